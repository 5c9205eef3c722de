"""Neural spline flows."""

from __future__ import annotations

from collections.abc import Callable

import keras
from tensorflow_probability import distributions as tfd

from tfflows.check_bounds import check_bounds
from tfflows.distributions import BaseDistribution
from tfflows.families import RationalQuadraticSpline
from tfflows.layers import Autoregressive, Chain, Coupling, InvertibleLinear, Permute
from tfflows.masks import Alternating
from tfflows.models.flow_model import FlowModel
from tfflows.models.normalization_before import normalization_before
from tfflows.networks import MADE, ResidualMLP


@keras.saving.register_keras_serializable("tfflows")
class NeuralSplineFlow(FlowModel):
    """Rational-quadratic splines between linear layers (Durkan et al. 2019).

    Args:
      num_layers: spline layers, each after a linear layer in PLU form.
      units: width of the residual conditioners.
      num_blocks: residual blocks of each conditioner.
      kind: "coupling" or "autoregressive".
      num_bins, bound, size_scale: of the splines.
      linear: None (the order is reversed instead), "plu", "qr" or "full".
      linear_initializer: of the matrices. A random rotation mixes the columns of a table from the
        start; "identity" leaves the columns, and what is special in each, to be mixed as need be.
      normalization: "act", "batch", or None: before each layer. For data of other units: splines
        are from -bound to bound, and beyond it the identity.
      activation, dropout: of the conditioners (dropout: couplings only).
      seed: seed of the initial rotations.
      memory: what the backward pass keeps: that of `Chain`.
      base, num_classes, **kwargs: those of `FlowModel`.

    >>> model = NeuralSplineFlow(num_layers=2, units=32, num_blocks=1, seed=1)
    >>> model.build((None, 5))
    >>> model.sample(3, seed=0).shape
    TensorShape([3, 5])
    """

    def __init__(
        self,
        num_layers: int = 5,
        units: int = 64,
        num_blocks: int = 2,
        kind: str = "coupling",
        num_bins: int = 8,
        bound: float = 5.0,
        size_scale: float = 1.0,
        linear: str | None = "plu",
        linear_initializer: str | keras.initializers.Initializer = "orthogonal",
        normalization: str | None = None,
        activation: str | Callable = "relu",
        dropout: float = 0.0,
        seed: int | None = None,
        memory: str | None = None,
        base: BaseDistribution | tfd.Distribution | None = None,
        num_classes: int | None = None,
        **kwargs,
    ):
        if kind not in ("coupling", "autoregressive"):
            raise ValueError(
                f'`kind` should be "coupling" or "autoregressive". Received: kind={kind!r}.'
            )
        check_bounds(1, num_layers=num_layers, units=units)
        dtype = kwargs.get("dtype")
        linear_initializer = keras.initializers.get(linear_initializer)
        first_seed = getattr(linear_initializer, "seed", None) if seed is None else seed
        layers = []
        for i in range(num_layers):
            if linear is None:
                mixing = Permute("reverse", name=f"permute_{i}", dtype=dtype)
            else:
                own_seed = first_seed + i if isinstance(first_seed, int) else None
                mixing = InvertibleLinear(
                    linear, linear_initializer, own_seed, name=f"linear_{i}", dtype=dtype
                )
            family = RationalQuadraticSpline(num_bins, bound, size_scale=size_scale)
            if kind == "coupling":
                network = ResidualMLP(
                    units, num_blocks, activation, dropout, name="network", dtype=dtype
                )
                mask = Alternating(swap=bool(i % 2))
                layer = Coupling(mask, network, family, name=f"coupling_{i}", dtype=dtype)
            else:
                widths = (units,) * (1 + num_blocks)
                network = MADE(
                    widths, activation=activation, residual=True, name="network", dtype=dtype
                )
                layer = Autoregressive(network, family, name=f"autoregressive_{i}", dtype=dtype)
            layers += [*normalization_before(normalization, i, dtype), mixing, layer]
        super().__init__(
            Chain(layers, memory, name="flow", dtype=dtype),
            base=base,
            num_classes=num_classes,
            **kwargs,
        )
        self.memory = memory
        self.num_layers = num_layers
        self.units = units
        self.num_blocks = num_blocks
        self.kind = kind
        self.num_bins = num_bins
        self.bound = bound
        self.size_scale = size_scale
        self.linear = linear
        self.linear_initializer = linear_initializer
        self.normalization = normalization
        self.activation = keras.activations.get(activation)
        self.dropout = dropout
        self.seed = seed

    def get_config(self) -> dict:
        names = ["num_layers", "units", "num_blocks", "kind", "num_bins", "bound", "size_scale"]
        names += ["linear", "normalization", "dropout", "seed", "memory"]
        return self.own_config() | {
            **{name: getattr(self, name) for name in names},
            "activation": keras.activations.serialize(self.activation),
            "linear_initializer": keras.initializers.serialize(self.linear_initializer),
        }
