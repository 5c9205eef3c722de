"""Masked autoregressive flows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
from tensorflow_probability import distributions as tfd

from tfflows.check_bounds import check_bounds
from tfflows.distributions import BaseDistribution
from tfflows.families import Family
from tfflows.layers import Autoregressive, Chain, Invert, Permute
from tfflows.models.flow_model import FlowModel
from tfflows.models.normalization_before import normalization_before
from tfflows.networks import MADE


@keras.saving.register_keras_serializable("tfflows")
class MAF(FlowModel):
    """A stack of MADEs, the order reversed in between (Papamakarios et al. 2017).

    One pass gives the density; sampling goes through the dimensions one after another, with each
    unit computed once.

    Args:
      num_layers: autoregressive layers.
      units: widths of the hidden layers of each MADE.
      family: "affine", "softplus_affine" (of few rows, it overfits less), "additive",
        "rational_quadratic_spline", "mixture_of_logistics", or a `Family`.
      normalization: None, "act" or "batch": a normalization before each layer.
      activation: of the MADEs.
      residual: whether the hidden layers are residual blocks.
      memory: what the backward pass keeps: that of `Chain`.
      base, num_classes, **kwargs: those of `FlowModel`.

    >>> model = MAF(num_layers=2, units=(32,))
    >>> model.build((None, 5))
    >>> model.sample(3, seed=0).shape
    TensorShape([3, 5])
    """

    inverted = False

    def __init__(
        self,
        num_layers: int = 5,
        units: Sequence[int] = (128, 128),
        family: str | Family = "affine",
        normalization: str | None = None,
        activation: str | Callable = "relu",
        residual: bool = False,
        memory: str | None = None,
        base: BaseDistribution | tfd.Distribution | None = None,
        num_classes: int | None = None,
        **kwargs,
    ):
        check_bounds(1, num_layers=num_layers)
        dtype = kwargs.get("dtype")
        layers = []
        for i in range(num_layers):
            layers += normalization_before(normalization, i, dtype)
            network = MADE(
                units, activation=activation, residual=residual, name="network", dtype=dtype
            )
            layer = Autoregressive(network, family, name=f"autoregressive_{i}", dtype=dtype)
            if self.inverted:
                layer = Invert(layer, name=f"inverted_{i}", dtype=dtype)
            layers += [layer, Permute("reverse", name=f"permute_{i}", dtype=dtype)]
        super().__init__(
            Chain(layers, memory, name="flow", dtype=dtype),
            base=base,
            num_classes=num_classes,
            **kwargs,
        )
        self.memory = memory
        self.num_layers = num_layers
        self.units = tuple(units)
        self.family = family
        self.normalization = normalization
        self.activation = keras.activations.get(activation)
        self.residual = residual

    def get_config(self) -> dict:
        return self.own_config() | {
            "num_layers": self.num_layers,
            "units": self.units,
            "family": keras.saving.serialize_keras_object(self.family),
            "normalization": self.normalization,
            "activation": keras.activations.serialize(self.activation),
            "residual": self.residual,
            "memory": self.memory,
        }
