"""RealNVP's conditioner for images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras

from tfflows.check_bounds import check_bounds
from tfflows.networks.residual_network import ResidualNetwork
from tfflows.networks.weight_normalized_conv2d import convolution


@keras.saving.register_keras_serializable("tfflows")
class ResidualConvNet(ResidualNetwork):
    """Pre-activation residual blocks of convolutions: `[batch, h, w, c]` to features.

    Dinh et al. 2017, section 4.1: a 3x3 convolution, then blocks
    `h + conv(activation(conv(activation(h))))`. The last convolution of a block starts at zero,
    so that a deep network starts as a shallow one.

    Args:
      units: filters of every convolution, and features that come out.
      num_blocks: residual blocks.
      activation: a Keras activation.
      weight_normalization: whether kernels are weight-normalized, as in the paper.
      dropout: share of features dropped in training, before the last convolution of each block.
      kernel_sizes: sides of the kernels of each block.
      **kwargs: those of `keras.layers.Layer`.

    >>> ResidualConvNet(32, num_blocks=1)(np.ones([2, 8, 8, 3], "float32")).shape
    TensorShape([2, 8, 8, 32])
    """

    def __init__(
        self,
        units: int = 32,
        num_blocks: int = 2,
        activation: str | Callable = "relu",
        weight_normalization: bool = False,
        dropout: float = 0.0,
        kernel_sizes: Sequence[int] = (3, 3),
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_bounds(1, units=units)
        check_bounds(0, num_blocks=num_blocks)
        self.units = units
        self.num_blocks = num_blocks
        self.activation = keras.activations.get(activation)
        self.weight_normalization = weight_normalization
        self.dropout = dropout
        self.kernel_sizes = tuple(kernel_sizes)
        self.first = self._convolution("first", 3)
        last = len(self.kernel_sizes) - 1
        self.hidden = [
            self._convolution(f"block_{i}_{j}", k, last=j == last)
            for i in range(num_blocks)
            for j, k in enumerate(self.kernel_sizes)
        ]
        self.drop = keras.layers.Dropout(dropout, name="dropout", dtype=self.dtype_policy)

    def _convolution(self, name, kernel_size, last=False):
        return convolution(
            self.units,
            kernel_size,
            self.weight_normalization,
            name=name,
            dtype=self.dtype_policy,
            **self._initializers(last),
        )

    def get_config(self) -> dict:
        return super().get_config() | {
            "units": self.units,
            "num_blocks": self.num_blocks,
            "activation": keras.activations.serialize(self.activation),
            "weight_normalization": self.weight_normalization,
            "dropout": self.dropout,
            "kernel_sizes": self.kernel_sizes,
        }
