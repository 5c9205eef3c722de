"""What the residual conditioners have in common."""

from __future__ import annotations

import keras
import tensorflow as tf


class ResidualNetwork(keras.layers.Layer):
    """A layer, then pre-activation residual blocks of layers: `[..., c]` to `[..., units]`.

    He et al. 2016: a block is `h + layer(activation(layer(activation(h))))`, with as many layers as
    it has. A subclass sets `units`, `num_blocks`, `activation`, `weight_normalization`, `dropout`,
    and `first`, `hidden` (the layers of all blocks, one after another) and `drop`.
    """

    def _initializers(self, last):
        """The last layer of a block starts at zero, and the block as the identity."""
        if not last:
            return {}
        # A weight-normalized kernel of zeros has no direction, and would never move.
        name = "gain_initializer" if self.weight_normalization else "kernel_initializer"
        return {name: "zeros"}

    def build(self, input_shape: tuple) -> None:
        self.first.build(input_shape)
        for layer in self.hidden:
            layer.build(self.compute_output_shape(input_shape))

    @property
    def blocks(self) -> list:
        """The layers of each block."""
        # No attribute: of lists within lists, Keras 3.12 saves no weights.
        size = len(self.hidden) // max(self.num_blocks, 1)
        return [self.hidden[i * size : (i + 1) * size] for i in range(self.num_blocks)]

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        h = self.first(inputs)
        for block in self.blocks:
            h = h + self._branch(block, h)
        return self.activation(h)

    def _branch(self, block, h):
        *inner, last = block
        for layer in inner:
            h = layer(self.activation(h))
        h = self.activation(h)
        return last(self.drop(h) if self.dropout else h)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], self.units)
