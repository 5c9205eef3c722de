"""Flow++."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from tensorflow_probability import distributions as tfd

from tfflows.bijector_layer import shape_text
from tfflows.check_bounds import check_bounds
from tfflows.dequantization import Dequantization, VariationalDequantization
from tfflows.distributions import BaseDistribution
from tfflows.families import MixtureOfLogistics
from tfflows.layers import ActNorm, Chain, Coupling, Squeeze, Unsqueeze
from tfflows.masks import Half, PackedCheckerboard
from tfflows.models.image_flow import ImageFlow
from tfflows.models.linear_layer import linear_layer
from tfflows.named import named
from tfflows.networks import GatedAttention


@keras.saving.register_keras_serializable("tfflows")
class FlowPlusPlus(ImageFlow):
    """Couplings by mixtures of logistics, conditioners with attention, learned noise.

    Ho et al. 2019: after a logit, couplings with checkerboard masks; a squeeze; couplings of
    channels; and again checkerboards, now of the squeezed image. Before each an ActNorm and a 1x1
    convolution. No channels are factored out. Data are images of integers
    `[batch, height, width, channels]`, height and width even, and the width divisible by 4 where
    there are checkerboards after the squeeze.

    What differs from the paper and its code: log-scales, of components and of the affine part, are
    bounded by 2 nats; ActNorm and 1x1 convolution are of all channels, before the coupling splits
    them, where theirs are of each half (and their normalization of each pixel); the convolution
    starts as a rotation, not near the identity; checkerboards are such, where theirs are columns;
    and, for its price, attention is for small images only (`max_positions`), and the noise comes of
    couplings on channels of the squeezed image, each after a 1x1 convolution and without ActNorm or
    attention, whose conditioners are given one strided convolution of the pixels as an input.

    Args:
      num_couplings: how many of each: checkerboard, channels, checkerboard.
      units: channels of the conditioners.
      num_blocks: blocks of each conditioner.
      num_components: logistics in each mixture.
      num_heads: attention heads; 0: no attention.
      dropout: share of features dropped in training, in the conditioners of the main flow.
      max_positions: images of more pixels than that are not attended to: by default, of 28x28 or
        32x32, couplings attend after the squeeze alone, those on the checkerboard before it do not.
      linear: "plu", "qr" or "full": the form of the 1x1 convolutions; or what else `Glow` takes.
      num_noise_couplings, noise_units: couplings of the dequantization, and channels of their
        conditioners, which have one block and no attention.
      num_bits, alpha: those of `ImageFlow`: bits of a pixel; alpha of the logit.
      dequantization: "variational", "uniform", a layer, or None.
      memory: what the backward pass keeps: that of the `Chain` of couplings; not with dropout.
      seed: seed of the initial rotations.
      base, num_classes, **kwargs: those of `FlowModel`.

    >>> model = FlowPlusPlus(num_couplings=(1, 1, 1), units=8, num_blocks=1, seed=1)
    >>> model.build((None, 8, 8, 1))
    >>> model.sample(3, seed=0).shape, model.likelihood
    (TensorShape([3, 8, 8, 1]), 'lower_bound')
    """

    def __init__(
        self,
        num_couplings: Sequence[int] = (4, 2, 3),
        units: int = 32,
        num_blocks: int = 2,
        num_components: int = 4,
        num_heads: int = 4,
        dropout: float = 0.0,
        max_positions: int = 256,
        linear: str = "plu",
        num_noise_couplings: int = 4,
        noise_units: int = 16,
        num_bits: int = 8,
        alpha: float | None = 0.05,
        dequantization: str | Dequantization | None = "variational",
        memory: str | None = None,
        seed: int | None = None,
        base: BaseDistribution | tfd.Distribution | None = None,
        num_classes: int | None = None,
        **kwargs,
    ):
        if np.size(num_couplings) != 3:
            raise ValueError(
                f"`num_couplings` should be three numbers. Received: num_couplings={num_couplings}."
            )
        for count in num_couplings:
            check_bounds(0, num_couplings=count)
        check_bounds(0, num_noise_couplings=num_noise_couplings)
        check_bounds(1, noise_units=noise_units)
        dtype = kwargs.get("dtype")

        def coupling(mask, i, *conditioner, **options):
            network = GatedAttention(*conditioner, **options, name="network", dtype=dtype)
            # Scales so bounded that an outlier's square is finite behind nine couplings.
            family, name = MixtureOfLogistics(num_components, 2.0), f"coupling_{i}"
            return Coupling(mask(swap=bool(i % 2)), network, family, name=name, dtype=dtype)

        def step(mask, i):
            return [
                ActNorm(name=f"norm_{i}", dtype=dtype),
                linear_layer(linear, i, seed, dtype),
                coupling(
                    mask, i, units, num_blocks, num_heads, dropout, max_positions=max_positions
                ),
            ]

        def steps(mask, count, start):
            return [layer for i in range(count) for layer in step(mask, start + i)]

        def noise():
            layers = [Squeeze(name="squeeze", dtype=dtype)]
            for i in range(num_noise_couplings):
                own_seed = None if seed is None else seed + sum(num_couplings)
                layers.append(linear_layer(linear, i, own_seed, dtype))
                layers.append(coupling(Half, i, noise_units, 1, 0))
            layers.append(Unsqueeze(name="unsqueeze", dtype=dtype))
            return VariationalDequantization(
                Chain(layers, memory, name="flow", dtype=dtype),
                keras.layers.Conv2D(
                    noise_units, 4, 2, "same", activation="elu", name="network", dtype=dtype
                ),
                num_levels=2**num_bits,
                name="dequantization",
                dtype=dtype,
            )

        first, second, third = num_couplings
        layers = steps(PackedCheckerboard, first, 0)
        layers.append(Squeeze(name="squeeze", dtype=dtype))
        layers += steps(Half, second, first)
        layers += steps(PackedCheckerboard, third, first + second)
        super().__init__(
            [Chain(layers, memory, name="level_0", dtype=dtype)],
            num_bits=num_bits,
            alpha=alpha,
            dequantization=dequantization,
            own_dequantizations={"variational": noise},
            base=base,
            num_classes=num_classes,
            **kwargs,
        )
        self.num_couplings = tuple(num_couplings)
        self.units = units
        self.num_blocks = num_blocks
        self.num_components = num_components
        self.num_heads = num_heads
        self.dropout = dropout
        self.max_positions = max_positions
        self.linear = linear
        self.num_noise_couplings = num_noise_couplings
        self.noise_units = noise_units
        self.memory = memory
        self.seed = seed

    def _build(self, x_shape, condition_shape):
        if self.num_couplings[2] and len(x_shape) == 4 and (x_shape[2] or 0) % 4:
            raise ValueError(
                f"{named(self)} with checkerboards after the squeeze "
                f"expected a width divisible by 4. Received: shape {shape_text(x_shape[1:])}."
            )
        super()._build(x_shape, condition_shape)

    def get_config(self) -> dict:
        names = ["num_couplings", "units", "num_blocks", "num_components", "num_heads", "dropout"]
        names += ["max_positions", "linear", "num_noise_couplings", "noise_units", "memory", "seed"]
        return self.own_config() | {name: getattr(self, name) for name in names}
