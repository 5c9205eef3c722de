"""The plain conditioner for vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras

from tfflows.networks.feed_forward import FeedForward
from tfflows.networks.spread_bias import spread_biases
from tfflows.networks.weight_normalized_dense import dense
from tfflows.networks.widths import widths


@keras.saving.register_keras_serializable("tfflows")
class MLP(FeedForward):
    """Dense layers, an activation after each: `[batch, D]` to features `[batch, units[-1]]`.

    The coupling that owns it adds the last, linear layer.

    Args:
      units: width of each layer.
      activation: a Keras activation.
      dropout: share of features dropped in training, after each layer.
      weight_normalization: whether kernels are weight-normalized (Salimans and Kingma 2016).
      **kwargs: those of `keras.layers.Layer`.

    >>> MLP([32, 16])(np.ones([4, 3], "float32")).shape
    TensorShape([4, 16])
    """

    def __init__(
        self,
        units: Sequence[int] = (128, 128),
        activation: str | Callable = "relu",
        dropout: float = 0.0,
        weight_normalization: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = widths(units)
        self.activation = keras.activations.get(activation)
        self.dropout = dropout
        self.weight_normalization = weight_normalization
        policy = self.dtype_policy
        self.hidden = [
            dense(n, weight_normalization, name=f"hidden_{i}", dtype=policy)
            for i, n in enumerate(self.units)
        ]
        self.drop = keras.layers.Dropout(dropout, name="dropout", dtype=policy)

    def build(self, input_shape: tuple) -> None:
        spread_biases(self.hidden, input_shape)
        super().build(input_shape)

    def get_config(self) -> dict:
        return super().get_config() | {
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "dropout": self.dropout,
            "weight_normalization": self.weight_normalization,
        }
