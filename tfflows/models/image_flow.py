"""What the flows for images have in common."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tfflows.bijector_layer import BijectorLayer, shape_text
from tfflows.check_bounds import check_bounds
from tfflows.data_types import TensorLike
from tfflows.dequantization import Dequantization, UniformDequantization
from tfflows.families import Affine, Family
from tfflows.families.names import FAMILIES
from tfflows.identifier import resolve
from tfflows.layers import Chain, Logit, MultiScale, Rescale
from tfflows.models.flow_model import FlowModel
from tfflows.named import named


class ImageFlow(FlowModel):
    """A multi-scale flow of images of integers: dequantization, preprocessing, levels.

    Height and width should be divisible by 2 for each level; a subclass makes the levels.

    Args:
      levels: `BijectorLayer`s on images, those of `MultiScale`.
      num_bits: pixels are integers from 0 to `2**num_bits - 1`.
      alpha: None: pixels are scaled to [-0.5, 0.5]; a number above 0: that of the logit of
        RealNVP.
      dequantization: "uniform", a `Dequantization` of as many levels as pixels have, in steps of 1
        from 0; or None for pixels that are reals already.
      own_dequantizations: what else a subclass has names for, and what makes it.
      **kwargs: those of `FlowModel`.
    """

    def __init__(
        self,
        levels: Sequence[BijectorLayer],
        num_bits: int = 8,
        alpha: float | None = None,
        dequantization: str | Dequantization | None = "uniform",
        own_dequantizations: dict[str, Callable] | None = None,
        **kwargs,
    ):
        check_bounds(1, 16, num_bits=num_bits)
        dtype = kwargs.get("dtype")
        layers = [_preprocessing(num_bits, alpha, dtype)]
        layers.append(MultiScale(levels, name="multi_scale", dtype=dtype))
        flow = Chain(layers, name="flow", dtype=dtype)
        if dequantization is not None:
            uniform = functools.partial(
                UniformDequantization, num_levels=2**num_bits, name="dequantization", dtype=dtype
            )
            known = {"uniform": uniform} | (own_dequantizations or {})
            dequantization = resolve(dequantization, known, Dequantization, "dequantization")
            _check_bins(dequantization, num_bits)
        super().__init__(flow, dequantization=dequantization, **kwargs)
        self.num_bits = num_bits
        self.alpha = alpha

    @property
    def multi_scale(self) -> MultiScale:
        return self.flow.layers[-1]

    def _build(self, x_shape, condition_shape):
        factor = 2 ** len(self.multi_scale.levels)
        is_known = len(x_shape) == 4 and all(x_shape[1:])  # neither None nor 0
        if not is_known or any(n % factor for n in x_shape[1:3]):
            raise ValueError(
                f"{named(self)} with {len(self.multi_scale.levels)} "
                "levels expected images [batch, height, width, channels] of known size, height and "
                f"width divisible by {factor}. Received: shape {shape_text(x_shape[1:])}."
            )
        super()._build(x_shape, condition_shape)

    def split_latent(self, z: tf.Tensor) -> list:
        """The parts of latents `[batch, D]` in image shapes, one a level, the finest first."""
        return self.multi_scale.split_latent(self.checked_latents(z))

    def join_latent(self, parts: Sequence[tf.Tensor]) -> tf.Tensor:
        """Undoes `split_latent`; ValueError for parts of other shapes."""
        self.check_built()
        return self.multi_scale.join_latent(parts)

    def resample(
        self,
        z: TensorLike,
        kept: int | Sequence[int],
        condition: TensorLike | None = None,
        temperature: TensorLike = 1.0,
        seed: TensorLike | None = None,
    ) -> tf.Tensor:
        """Images that share parts of their latents with others; the rest is drawn anew.

        With the coarse parts kept, images differ in detail alone (Dinh et al. 2017, appendix).

        Args:
          z: latents, `[batch, D]`, as `encode` gives them.
          kept: numbers of the parts of `split_latent` that are kept: 0 is the finest.
          condition: None, or one for each image.
          temperature, seed: as in `sample`, of what is drawn.

        Returns:
          `[batch, ...]`; discrete data as float32 numbers too.

        >>> model = Glow(num_levels=2, num_steps=1, units=8, seed=1)
        >>> model.build((None, 8, 8, 1))
        >>> z = model.encode(np.zeros([2, 8, 8, 1], "uint8"))
        >>> model.resample(z, kept=[1], temperature=0.7, seed=0).shape
        TensorShape([2, 8, 8, 1])
        """
        z, condition = self.as_tensors(self.checked_latents(z), condition)
        parts = range(len(self.multi_scale.levels))
        kept = tuple(kept) if np.iterable(kept) else (kept,)
        if not set(kept) <= set(parts):
            raise ValueError(f"`kept` should be some of {[*parts]}. Received: kept={kept}.")
        n = tf.shape(z)[0]
        function, *drawn = self._drawing("resample", self._resample, n, temperature, seed)
        return function(z, tuple(sorted(map(int, kept))), condition, *drawn)

    def _resample(self, z, kept, condition, temperature, seed):
        drawn = self.base.sample(tf.shape(z)[0], temperature, seed)
        pairs = zip(self.multi_scale.split_latent(z), self.multi_scale.split_latent(drawn))
        parts = [old if i in kept else new for i, (old, new) in enumerate(pairs)]
        return self._discretized(self._decode(self.multi_scale.join_latent(parts), condition))

    def own_config(self) -> dict:
        return super().own_config() | {"num_bits": self.num_bits, "alpha": self.alpha}


def image_family(family: str | Family, max_log_scale: float) -> Family:
    """The family that an argument names, "affine" with this bound.

    What is rare in images is far off in latents, and each coupling may carry it further: through
    many couplings with free scales it ends at infinity, and training with it.
    """
    known = FAMILIES | {"affine": functools.partial(Affine, max_log_scale=max_log_scale)}
    return resolve(family, known, Family, "family")


def _check_bins(dequantization, num_bits):
    """Raises a ValueError unless the values of the data are those of `num_bits`."""
    given = dequantization.num_levels, dequantization.bin_width, dequantization.centered
    is_pixels = given[0] == 2**num_bits and np.all(np.equal(given[1], 1.0)) and not given[2]
    if not is_pixels:
        raise ValueError(
            f"`dequantization` should have num_levels={2**num_bits}, as num_bits={num_bits} says, "
            f"bin_width=1 and centered=False. Received: num_levels={given[0]}, "
            f"bin_width={given[1]}, centered={given[2]}."
        )


def _preprocessing(num_bits, alpha, dtype):
    """The layer from pixels to what the levels take."""
    num_values = 2**num_bits
    if alpha is None:
        return Rescale(1 / num_values, -0.5, name="rescale", dtype=dtype)
    if alpha == 0:  # once in some millions of black pixels the noise is 0, and the loss infinite
        raise ValueError("`alpha` should be None, or between 0 and 0.5. Received: alpha=0.")
    return Logit(alpha, high=float(num_values), name="logit", dtype=dtype)
