"""RealNVP for vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
from tensorflow_probability import distributions as tfd

from tfflows.check_bounds import check_bounds
from tfflows.distributions import BaseDistribution
from tfflows.families import Family
from tfflows.identifier import resolve
from tfflows.layers import Chain, Coupling
from tfflows.layers.coupling import MASKS
from tfflows.masks import Mask
from tfflows.models.flow_model import FlowModel
from tfflows.models.normalization_before import normalization_before
from tfflows.networks import MLP


@keras.saving.register_keras_serializable("tfflows")
class RealNVP(FlowModel):
    """Couplings that transform one half of the vector, then the other (Dinh et al. 2017).

    Args:
      num_couplings: coupling layers.
      units: widths of each conditioner.
      mask: "alternating", "half", or a `Mask`: of the first coupling; it alternates.
      family: "affine", "softplus_affine", "additive", "rational_quadratic_spline",
        "mixture_of_logistics", or a `Family`.
      normalization: None, "act" or "batch": a normalization before each coupling.
      activation, dropout, weight_normalization: of the conditioners.
      memory: what the backward pass keeps: that of `Chain`.
      base, num_classes, **kwargs: those of `FlowModel`.

    >>> model = RealNVP(num_couplings=4, units=(32,))
    >>> model.build((None, 5))
    >>> model.sample(3, seed=0).shape
    TensorShape([3, 5])
    """

    def __init__(
        self,
        num_couplings: int = 8,
        units: Sequence[int] = (128, 128),
        mask: str | Mask = "alternating",
        family: str | Family = "affine",
        normalization: str | None = None,
        activation: str | Callable = "relu",
        dropout: float = 0.0,
        weight_normalization: bool = False,
        memory: str | None = None,
        base: BaseDistribution | tfd.Distribution | None = None,
        num_classes: int | None = None,
        **kwargs,
    ):
        check_bounds(1, num_couplings=num_couplings)
        dtype, first_mask = kwargs.get("dtype"), resolve(mask, MASKS, Mask, "mask")
        layers = []
        for i in range(num_couplings):
            layers += normalization_before(normalization, i, dtype)
            network = MLP(
                units, activation, dropout, weight_normalization, name="network", dtype=dtype
            )
            own = first_mask.swapped(bool(i % 2))
            layers.append(Coupling(own, network, family, name=f"coupling_{i}", dtype=dtype))
        super().__init__(
            Chain(layers, memory, name="flow", dtype=dtype),
            base=base,
            num_classes=num_classes,
            **kwargs,
        )
        self.memory = memory
        self.num_couplings = num_couplings
        self.units = tuple(units)
        self.mask = mask
        self.family = layers[-1].family
        self.normalization = normalization
        self.activation = keras.activations.get(activation)
        self.dropout = dropout
        self.weight_normalization = weight_normalization

    def get_config(self) -> dict:
        return self.own_config() | {
            "num_couplings": self.num_couplings,
            "units": self.units,
            "mask": keras.saving.serialize_keras_object(self.mask),
            "family": keras.saving.serialize_keras_object(self.family),
            "normalization": self.normalization,
            "activation": keras.activations.serialize(self.activation),
            "dropout": self.dropout,
            "weight_normalization": self.weight_normalization,
            "memory": self.memory,
        }
