"""What the flows for images have in common."""

from __future__ import annotations

import functools

import keras

from tfflows.bijector_layer import shape_text
from tfflows.check_bounds import check_bounds
from tfflows.dequantization import UniformDequantization
from tfflows.families import Affine, Family
from tfflows.families.names import FAMILIES
from tfflows.identifier import resolve
from tfflows.layers import Chain, Logit, MultiScale, Rescale
from tfflows.models.flow_model import FlowModel


class ImageFlow(FlowModel):
    """A multi-scale flow of images of integers: dequantization, preprocessing, levels.

    A level halves height and width once; a subclass makes the levels.

    Args:
      levels: `BijectorLayer`s on images, those of `MultiScale`.
      num_bits: pixels are integers from 0 to `2**num_bits - 1`.
      alpha: None: pixels are scaled to [-0.5, 0.5]; a number: the logit of RealNVP, with it.
      dequantization: "uniform", a layer, or None for pixels that are reals already.
      **kwargs: those of `FlowModel`.
    """

    def __init__(
        self,
        levels,
        num_bits: int = 8,
        alpha: float | None = None,
        dequantization="uniform",
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
            known = {"uniform": uniform}
            dequantization = resolve(dequantization, known, keras.layers.Layer, "dequantization")
        super().__init__(flow, dequantization=dequantization, **kwargs)
        self.num_bits = num_bits
        self.alpha = alpha

    @property
    def multi_scale(self) -> MultiScale:
        return self.flow.layers[-1]

    def _build(self, x_shape, condition_shape):
        factor = 2 ** len(self.multi_scale.levels)
        if len(x_shape) != 4 or any(n is None or n % factor for n in x_shape[1:3]):
            raise ValueError(
                f"Model '{self.name}' ({type(self).__name__}) with {len(self.multi_scale.levels)} "
                "levels expected images [batch, height, width, channels] with height and width "
                f"divisible by {factor}. Received: shape {shape_text(x_shape[1:])}."
            )
        super()._build(x_shape, condition_shape)

    def split_latent(self, z) -> list:
        """The parts of latents `[batch, D]` in image shapes, one a level, the finest first."""
        self.check_built()
        return self.multi_scale.split_latent(z)

    def join_latent(self, parts):
        """Undoes `split_latent`."""
        self.check_built()
        return self.multi_scale.join_latent(parts)

    def own_config(self) -> dict:
        return super().own_config() | {"num_bits": self.num_bits, "alpha": self.alpha}


def image_family(family, max_log_scale: float) -> Family:
    """The family that an argument names, "affine" with this bound.

    What is rare in images is far off in latents, and each coupling may carry it further: through
    many couplings with free scales it ends at infinity, and training with it.
    """
    known = FAMILIES | {"affine": functools.partial(Affine, max_log_scale=max_log_scale)}
    return resolve(family, known, Family, "family")


def _preprocessing(num_bits, alpha, dtype):
    """The layer from pixels to what the levels take."""
    num_values = 2**num_bits
    if alpha is None:
        return Rescale(1 / num_values, -0.5, name="rescale", dtype=dtype)
    return Logit(alpha, high=float(num_values), name="logit", dtype=dtype)
