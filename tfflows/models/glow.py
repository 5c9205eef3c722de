"""Glow."""

from __future__ import annotations

from collections.abc import Callable

import keras
from tensorflow_probability import distributions as tfd

from tfflows.check_bounds import check_bounds
from tfflows.dequantization import Dequantization
from tfflows.distributions import BaseDistribution
from tfflows.families import Affine, Family
from tfflows.layers import ActNorm, Chain, Coupling, Squeeze
from tfflows.models.image_flow import ImageFlow, image_family
from tfflows.models.linear_layer import linear_layer
from tfflows.networks import ConvNet, ResidualConvNet


@keras.saving.register_keras_serializable("tfflows")
class Glow(ImageFlow):
    """Steps of ActNorm, 1x1 convolution and coupling, on several scales.

    Kingma and Dhariwal 2018, section 3 and figure 2. Data are images of integers
    `[batch, height, width, channels]`, height and width divisible by `2**num_levels`.

    What differs from the paper and its code: log-scales are bounded by tanh, where theirs are those
    of a sigmoid; conditioners have no ActNorm, and their last convolution, zero at first, no gain;
    labels are an input of every coupling, learned priors among them, not of the base, a standard
    normal, and are not classified.

    Args:
      num_levels: scales L.
      num_steps: steps K in each.
      units: filters of the conditioners.
      linear: "plu", "qr" or "full": the form of the 1x1 convolutions; "emerging" or "periodic":
        3x3 convolutions in their place (Hoogeboom et al. 2019).
      family: "affine", "softplus_affine", "additive", "rational_quadratic_spline",
        "mixture_of_logistics", or a `Family`.
      max_log_scale: bound on the log-scale of each coupling of family "affine", in nats (an
        `Affine` has its own). Of many couplings, or of data with outliers, a loose one can make the
        loss infinite.
      learned_prior: whether channels that are factored out have a mean and scale, bounded in the
        same way, that depend on those that go on.
      network: "conv" (3x3 and 1x1, as in the paper) or "residual".
      num_blocks: residual blocks, of "residual" conditioners.
      kernel_size: of the last, linear convolution of each conditioner.
      activation: of the conditioners.
      num_bits, alpha, dequantization: those of `ImageFlow`: bits of a pixel (for 5 of 8, the model
        is given `x // 8`); None, or alpha of a logit; "uniform", a layer, or None.
      seed: seed of the initial rotations.
      memory: what the backward pass keeps: that of each level's `Chain`.
      base, num_classes, **kwargs: those of `FlowModel`.

    >>> model = Glow(num_levels=2, num_steps=1, units=8, seed=1)
    >>> model.build((None, 8, 8, 1))
    >>> model.sample(3, seed=0).shape, model.likelihood
    (TensorShape([3, 8, 8, 1]), 'lower_bound')
    """

    def __init__(
        self,
        num_levels: int = 3,
        num_steps: int = 8,
        units: int = 64,
        linear: str = "plu",
        family: str | Family = "affine",
        max_log_scale: float = 2.0,
        learned_prior: bool = True,
        network: str = "conv",
        num_blocks: int = 1,
        kernel_size: int = 3,
        activation: str | Callable = "relu",
        num_bits: int = 8,
        alpha: float | None = None,
        dequantization: str | Dequantization | None = "uniform",
        seed: int | None = None,
        memory: str | None = None,
        base: BaseDistribution | tfd.Distribution | None = None,
        num_classes: int | None = None,
        **kwargs,
    ):
        if network not in ("conv", "residual"):
            raise ValueError(f'`network` should be "conv" or "residual". Received: {network!r}.')
        check_bounds(1, num_levels=num_levels, num_steps=num_steps)
        dtype, family = kwargs.get("dtype"), image_family(family, max_log_scale)
        is_affine = isinstance(family, Affine)
        prior_family = family if is_affine else image_family("affine", max_log_scale)

        def coupling(name, net, family=family):
            return Coupling("channel", net, family, kernel_size, name=name, dtype=dtype)

        def conditioner():
            options = {"activation": activation, "name": "network", "dtype": dtype}
            if network == "residual":
                return ResidualConvNet(units, num_blocks, **options)
            return ConvNet((units, units), **options)

        def step(i, index):
            return [
                ActNorm(name=f"norm_{i}", dtype=dtype),
                linear_layer(linear, i, None if seed is None else seed + index, dtype),
                coupling(f"coupling_{i}", conditioner()),
            ]

        def level(j):
            layers = [Squeeze(name="squeeze", dtype=dtype)]
            for i in range(num_steps):
                layers += step(i, j * num_steps)
            if learned_prior and j < num_levels - 1:
                # As in the paper's code, one convolution that starts at zero.
                prior = ConvNet((), (), name="network", dtype=dtype)
                layers += [coupling("prior", prior, prior_family)]
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
        self.num_steps = num_steps
        self.units = units
        self.linear = linear
        self.family = family
        self.max_log_scale = max_log_scale
        self.learned_prior = learned_prior
        self.network = network
        self.num_blocks = num_blocks
        self.kernel_size = kernel_size
        self.activation = keras.activations.get(activation)
        self.seed = seed
        self.memory = memory

    def get_config(self) -> dict:
        names = ["num_levels", "num_steps", "units", "linear", "learned_prior", "network"]
        names += ["num_blocks", "kernel_size", "seed", "memory", "max_log_scale"]
        config = {name: getattr(self, name) for name in names}
        config["activation"] = keras.activations.serialize(self.activation)
        config["family"] = keras.saving.serialize_keras_object(self.family)
        return self.own_config() | config
