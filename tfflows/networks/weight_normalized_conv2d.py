"""Weight normalization for convolutions."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfflows.networks.weight_normalized_dense import WeightNormalizedDense


@keras.saving.register_keras_serializable("tfflows")
class WeightNormalizedConv2D(WeightNormalizedDense):
    """A convolution with kernel `gain * v / ||v||`, a norm for each filter; size kept.

    Salimans and Kingma 2016, equation 2: `[batch, h, w, c]` to `[batch, h, w, units]`.

    Args:
      units: filters.
      kernel_size: side of the kernel.
      kernel_initializer, gain_initializer: those of `WeightNormalizedDense`.
      **kwargs: those of `keras.layers.Layer`.

    >>> WeightNormalizedConv2D(5, 3)(np.ones([2, 4, 4, 3], "float32")).shape
    TensorShape([2, 4, 4, 5])
    """

    def __init__(
        self,
        units: int,
        kernel_size: int = 3,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        gain_initializer: str | keras.initializers.Initializer | None = None,
        **kwargs,
    ):
        super().__init__(units, kernel_initializer, gain_initializer, **kwargs)
        self.kernel_size = kernel_size

    def kernel_shape(self, channels: int) -> tuple:
        return (self.kernel_size, self.kernel_size, channels, self.units)

    def apply_kernel(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d(inputs, kernel, 1, "SAME")

    def get_config(self) -> dict:
        return super().get_config() | {"kernel_size": self.kernel_size}


def convolution(
    units: int, kernel_size: int, weight_normalization: bool = False, **kwargs
) -> keras.layers.Layer:
    """A convolution that keeps the size of the image, weight-normalized or plain."""
    if weight_normalization:
        return WeightNormalizedConv2D(units, kernel_size, **kwargs)
    return keras.layers.Conv2D(units, kernel_size, padding="same", **kwargs)
