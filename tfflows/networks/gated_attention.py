"""Flow++'s conditioner."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from tfflows.check_bounds import check_bounds
from tfflows.networks.concat_elu import concat_elu
from tfflows.networks.gated_convolution import GatedConvolution
from tfflows.networks.gated_self_attention import GatedSelfAttention, check_heads


@keras.saving.register_keras_serializable("tfflows")
class GatedAttention(keras.layers.Layer):
    """Gated convolutions and self-attention: `[batch, h, w, c]` to `[batch, h, w, 2 units]`.

    Ho et al. 2019, section 3.2.2: a convolution, then blocks of a `GatedConvolution` and a
    `GatedSelfAttention`, with a layer normalization after each. Last, and not theirs, `concat_elu`.

    Args:
      units: channels of the blocks.
      num_blocks: blocks.
      num_heads: attention heads; 0: no attention.
      dropout: share of features dropped in training, in each convolution block.
      kernel_size: side of the kernels.
      max_positions: images of more pixels than that are not attended to, since the time that
        takes grows with the square of their number.
      **kwargs: those of `keras.layers.Layer`.

    >>> GatedAttention(8, num_blocks=1)(np.ones([2, 8, 8, 3], "float32")).shape
    TensorShape([2, 8, 8, 16])
    """

    def __init__(
        self,
        units: int = 32,
        num_blocks: int = 2,
        num_heads: int = 4,
        dropout: float = 0.0,
        kernel_size: int = 3,
        max_positions: int = 256,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_bounds(1, units=units, kernel_size=kernel_size)
        check_bounds(0, num_blocks=num_blocks, num_heads=num_heads, max_positions=max_positions)
        check_bounds(0.0, 1.0, dropout=dropout)
        check_heads(units, num_heads)
        self.units = units
        self.num_blocks = num_blocks
        self.num_heads = num_heads
        self.dropout = dropout
        self.kernel_size = kernel_size
        self.max_positions = max_positions
        self.first = keras.layers.Conv2D(
            units, kernel_size, padding="same", name="first", dtype=self.dtype_policy
        )

    def build(self, input_shape: tuple) -> None:
        self.first.build(input_shape)
        shape = (*input_shape[:-1], self.units)
        self.blocks = list(self._blocks(attends=math.prod(shape[1:3]) <= self.max_positions))
        self.normalizations = [
            keras.layers.LayerNormalization(name=f"norm_{block.name}", dtype=self.dtype_policy)
            for block in self.blocks
        ]
        for layer in [*self.blocks, *self.normalizations]:
            layer.build(shape)

    def _blocks(self, attends):
        options = {"dtype": self.dtype_policy}
        for i in range(self.num_blocks):
            name, size = f"convolution_{i}", self.kernel_size
            yield GatedConvolution(self.units, size, self.dropout, name=name, **options)
            if self.num_heads and attends:
                name = f"attention_{i}"
                yield GatedSelfAttention(self.units, self.num_heads, name=name, **options)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        h = self.first(inputs)
        for block, normalization in zip(self.blocks, self.normalizations):
            h = normalization(block(h))
        return concat_elu(h)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], 2 * self.units)

    def get_config(self) -> dict:
        names = ["units", "num_blocks", "num_heads", "dropout", "kernel_size", "max_positions"]
        return super().get_config() | {name: getattr(self, name) for name in names}
