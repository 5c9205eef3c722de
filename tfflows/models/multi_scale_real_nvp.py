"""RealNVP for images."""

from __future__ import annotations

from collections.abc import Callable

import keras
from tensorflow_probability import distributions as tfd

from tfflows.check_bounds import check_bounds
from tfflows.dequantization import Dequantization
from tfflows.distributions import BaseDistribution
from tfflows.families import Family
from tfflows.layers import Chain, Coupling, Squeeze
from tfflows.masks import Checkerboard, Half
from tfflows.models.image_flow import ImageFlow, image_family
from tfflows.models.normalization_before import normalization_before
from tfflows.networks import ResidualConvNet


@keras.saving.register_keras_serializable("tfflows")
class MultiScaleRealNVP(ImageFlow):
    """Couplings of checkerboards, then of channels, on several scales (Dinh et al. 2017).

    Sections 3.6 and 4.1: on each scale three couplings with checkerboard masks, a squeeze, and
    three with channel-wise masks; half the channels are factored out. The last scale has four
    checkerboard couplings. Data are images of integers `[batch, height, width, channels]`, height
    and width divisible by `2**num_levels`. `RealNVP` is the model for vectors.

    What differs from the paper: what is normalized is the input of a coupling, not its output, and
    the conditioners have weight normalization, but no batch normalization.

    Args:
      num_levels: scales.
      units: filters of the residual conditioners, on the first scale.
      num_blocks: residual blocks of each.
      double_units: whether the filters double with each squeeze, as in the paper.
      num_couplings: checkerboard couplings, and channel-wise ones, on each scale but the last.
      num_final: couplings on the last scale.
      family: "affine", "softplus_affine", "additive", "rational_quadratic_spline",
        "mixture_of_logistics", or a `Family`.
      max_log_scale: bound on the log-scale of each coupling of family "affine", in nats (an
        `Affine` has its own). Of many couplings, or of data with outliers, a loose one can make the
        loss infinite.
      normalization: "batch", "act", or None: before each coupling.
      weight_normalization: of the conditioners, as in the paper.
      activation: of the conditioners.
      num_bits, alpha, dequantization: those of `ImageFlow`: bits of a pixel; alpha of the logit,
        or None; "uniform", a layer, or None.
      memory: what the backward pass keeps: that of each level's `Chain`; not with
        normalization="batch".
      base, num_classes, **kwargs: those of `FlowModel`.

    >>> model = MultiScaleRealNVP(num_levels=2, units=8, num_blocks=1)
    >>> model.build((None, 8, 8, 1))
    >>> model.sample(3, seed=0).shape, model.likelihood
    (TensorShape([3, 8, 8, 1]), 'lower_bound')
    """

    def __init__(
        self,
        num_levels: int = 2,
        units: int = 32,
        num_blocks: int = 2,
        double_units: bool = True,
        num_couplings: int = 3,
        num_final: int = 4,
        family: str | Family = "affine",
        max_log_scale: float = 2.0,
        normalization: str | None = "batch",
        weight_normalization: bool = True,
        activation: str | Callable = "relu",
        num_bits: int = 8,
        alpha: float | None = 0.05,
        dequantization: str | Dequantization | None = "uniform",
        memory: str | None = None,
        base: BaseDistribution | tfd.Distribution | None = None,
        num_classes: int | None = None,
        **kwargs,
    ):
        check_bounds(1, num_levels=num_levels, num_couplings=num_couplings, num_final=num_final)
        dtype, family = kwargs.get("dtype"), image_family(family, max_log_scale)

        def couplings(mask, count, width, start=0):
            layers = []
            for i in range(start, start + count):
                network = ResidualConvNet(
                    width, num_blocks, activation, weight_normalization, name="network", dtype=dtype
                )
                own = mask(swap=bool(i % 2))
                layer = Coupling(own, network, family, name=f"coupling_{i}", dtype=dtype)
                layers += [*normalization_before(normalization, i, dtype), layer]
            return layers

        def level(j):
            factor = 2 if double_units else 1
            width = units * factor**j
            if j == num_levels - 1:
                layers = couplings(Checkerboard, num_final, width)
            else:
                layers = couplings(Checkerboard, num_couplings, width)
                layers.append(Squeeze(name="squeeze", dtype=dtype))
                layers += couplings(Half, num_couplings, width * factor, num_couplings)
            return Chain(layers, memory, name=f"level_{j}", dtype=dtype)

        super().__init__(
            [level(j) for j in range(num_levels)],
            num_bits=num_bits,
            alpha=alpha,
            dequantization=dequantization,
            base=base,
            num_classes=num_classes,
            **kwargs,
        )
        self.num_levels = num_levels
        self.units = units
        self.num_blocks = num_blocks
        self.double_units = double_units
        self.num_couplings = num_couplings
        self.num_final = num_final
        self.family = family
        self.max_log_scale = max_log_scale
        self.normalization = normalization
        self.weight_normalization = weight_normalization
        self.activation = keras.activations.get(activation)
        self.memory = memory

    def get_config(self) -> dict:
        names = ["num_levels", "units", "num_blocks", "double_units", "num_couplings", "num_final"]
        names += ["normalization", "weight_normalization", "memory", "max_log_scale"]
        config = {name: getattr(self, name) for name in names}
        config["activation"] = keras.activations.serialize(self.activation)
        config["family"] = keras.saving.serialize_keras_object(self.family)
        return self.own_config() | config
