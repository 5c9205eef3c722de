"""Glow's conditioner."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras

from tfflows.networks.feed_forward import FeedForward
from tfflows.networks.weight_normalized_conv2d import convolution
from tfflows.networks.widths import widths


@keras.saving.register_keras_serializable("tfflows")
class ConvNet(FeedForward):
    """Convolutions, an activation after each: `[batch, h, w, c]` to `[batch, h, w, units[-1]]`.

    Kingma and Dhariwal 2018, section B: 3x3, then 1x1; the coupling that owns it adds the
    last, linear 3x3 convolution. Without units, the features are the input.

    Args:
      units: filters of each convolution.
      kernel_sizes: side of each kernel.
      activation: a Keras activation.
      weight_normalization: whether kernels are weight-normalized (Salimans and Kingma 2016).
      **kwargs: those of `keras.layers.Layer`.

    >>> ConvNet((32, 16))(np.ones([2, 8, 8, 3], "float32")).shape
    TensorShape([2, 8, 8, 16])
    """

    def __init__(
        self,
        units: Sequence[int] = (64, 64),
        kernel_sizes: Sequence[int] = (3, 1),
        activation: str | Callable = "relu",
        weight_normalization: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = widths(units)
        self.kernel_sizes = tuple(kernel_sizes)
        if len(self.units) != len(self.kernel_sizes):
            raise ValueError(
                "`units` and `kernel_sizes` should be of the same length. "
                f"Received: units={units}, kernel_sizes={kernel_sizes}."
            )
        self.activation = keras.activations.get(activation)
        self.weight_normalization = weight_normalization
        self.hidden = [
            convolution(n, k, weight_normalization, name=f"hidden_{i}", dtype=self.dtype_policy)
            for i, (n, k) in enumerate(zip(self.units, self.kernel_sizes))
        ]

    def get_config(self) -> dict:
        return super().get_config() | {
            "units": self.units,
            "kernel_sizes": self.kernel_sizes,
            "activation": keras.activations.serialize(self.activation),
            "weight_normalization": self.weight_normalization,
        }
