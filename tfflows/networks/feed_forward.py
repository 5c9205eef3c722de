"""What the plain conditioners have in common."""

from __future__ import annotations

import keras
import tensorflow as tf


class FeedForward(keras.layers.Layer):
    """Layers one after another, an activation after each.

    A subclass sets `units`, `activation`, and `hidden`, a layer for each width; with dropout also
    `dropout` and `drop`.
    """

    dropout = 0.0

    def build(self, input_shape: tuple) -> None:
        for layer in self.hidden:
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        for layer in self.hidden:
            inputs = self.activation(layer(inputs))
            if self.dropout:
                inputs = self.drop(inputs)
        return inputs

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], self.units[-1] if self.units else input_shape[-1])
