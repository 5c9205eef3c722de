"""The convolutional block of Flow++'s conditioner."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfflows.networks.concat_elu import concat_elu
from tfflows.networks.glu import glu


@keras.saving.register_keras_serializable("tfflows")
class GatedConvolution(keras.layers.Layer):
    """`h + a sigmoid(b)`, `(a, b) = conv_1x1(concat_elu(conv(concat_elu(h))))`; shape kept.

    Ho et al. 2019, section 3.2.2, with `concat_elu(h) = elu([h, -h])` (Salimans et al. 2017). The
    1x1 convolution starts at zero, and the block as the identity.

    Args:
      units: channels of input and output, and filters of the convolution.
      kernel_size: side of its kernel.
      dropout: share of features dropped in training, before the 1x1 convolution.
      **kwargs: those of `keras.layers.Layer`.

    >>> GatedConvolution(4)(np.ones([2, 8, 8, 4], "float32")).shape
    TensorShape([2, 8, 8, 4])
    """

    def __init__(self, units: int, kernel_size: int = 3, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.kernel_size = kernel_size
        self.dropout = dropout
        policy = self.dtype_policy
        self.convolution = keras.layers.Conv2D(
            units, kernel_size, padding="same", name="convolution", dtype=policy
        )
        self.drop = keras.layers.Dropout(dropout, name="dropout", dtype=policy)
        self.gate = keras.layers.Conv2D(
            2 * units, 1, kernel_initializer="zeros", name="gate", dtype=policy
        )

    def build(self, input_shape: tuple) -> None:
        self.convolution.build((*input_shape[:-1], 2 * self.units))
        self.gate.build((*input_shape[:-1], 2 * self.units))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        h = concat_elu(self.convolution(concat_elu(inputs)))
        return inputs + glu(self.gate(self.drop(h) if self.dropout else h))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return tuple(input_shape)

    def get_config(self) -> dict:
        return super().get_config() | {
            "units": self.units,
            "kernel_size": self.kernel_size,
            "dropout": self.dropout,
        }
