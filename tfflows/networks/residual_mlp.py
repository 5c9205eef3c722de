"""The residual conditioner for vectors."""

from __future__ import annotations

from collections.abc import Callable

import keras

from tfflows.check_bounds import check_bounds
from tfflows.networks.residual_network import ResidualNetwork
from tfflows.networks.spread_bias import spread_biases
from tfflows.networks.weight_normalized_dense import dense


@keras.saving.register_keras_serializable("tfflows")
class ResidualMLP(ResidualNetwork):
    """Pre-activation residual blocks of two dense layers: `[batch, D]` to features.

    A block (He et al. 2016) is `h + dense(activation(dense(activation(h))))`; its last layer starts
    at zero, so that a deep network starts as a shallow one. Used by neural spline flows.

    Args:
      units: width of every layer, and of the features that come out.
      num_blocks: residual blocks.
      activation: a Keras activation.
      dropout: share of features dropped in training, inside each block.
      weight_normalization: whether kernels are weight-normalized, as in RealNVP.
      **kwargs: those of `keras.layers.Layer`.

    >>> ResidualMLP(32, num_blocks=2)(np.ones([4, 3], "float32")).shape
    TensorShape([4, 32])
    """

    def __init__(
        self,
        units: int = 128,
        num_blocks: int = 2,
        activation: str | Callable = "relu",
        dropout: float = 0.0,
        weight_normalization: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_bounds(1, units=units)
        check_bounds(0, num_blocks=num_blocks)
        self.units = units
        self.num_blocks = num_blocks
        self.activation = keras.activations.get(activation)
        self.dropout = dropout
        self.weight_normalization = weight_normalization
        self.first = self._dense("first")
        self.hidden = [
            self._dense(f"block_{i}_{name}", last=name == "b")
            for i in range(num_blocks)
            for name in "ab"
        ]
        self.drop = keras.layers.Dropout(dropout, name="dropout", dtype=self.dtype_policy)

    def _dense(self, name, last=False):
        return dense(
            self.units,
            self.weight_normalization,
            name=name,
            dtype=self.dtype_policy,
            **self._initializers(last),
        )

    def build(self, input_shape: tuple) -> None:
        spread_biases([self.first], input_shape)
        for inner, _ in self.blocks:
            spread_biases([inner], self.compute_output_shape(input_shape))
        super().build(input_shape)

    def get_config(self) -> dict:
        return super().get_config() | {
            "units": self.units,
            "num_blocks": self.num_blocks,
            "activation": keras.activations.serialize(self.activation),
            "dropout": self.dropout,
            "weight_normalization": self.weight_normalization,
        }
