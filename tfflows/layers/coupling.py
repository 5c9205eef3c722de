"""The coupling layer."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfflows.bijector_layer import BijectorLayer
from tfflows.check_bounds import check_bounds
from tfflows.families import Family
from tfflows.families.names import FAMILIES
from tfflows.identifier import resolve
from tfflows.masks import Alternating, Checkerboard, Half, Mask
from tfflows.named import named
from tfflows.of_any_batch import of_any_batch

MASKS = {"half": Half, "channel": Half, "alternating": Alternating, "checkerboard": Checkerboard}


@keras.saving.register_keras_serializable("tfflows")
class Coupling(BijectorLayer):
    """Transforms one part of the input with parameters that a network computes from the other.

    Dinh et al. 2017, equations 4 and 5, for any mask, network and scalar family. The network sees
    the kept part, with the condition behind it on the last axis, and gives features; the layer
    adds the linear map from features to parameters, which starts at zero, so that the coupling
    starts as the identity.

    Args:
      mask: "half", "channel", "alternating", "checkerboard", or a `Mask`.
      network: any Keras layer from `[batch, ..., n]` to features `[batch, ..., m]`.
      family: "additive", "affine", "softplus_affine", "rational_quadratic_spline",
        "mixture_of_logistics", or a `Family`.
      kernel_size: for images, whose linear map is a convolution: the side of its kernel.
      **kwargs: those of `keras.layers.Layer`.

    >>> layer = Coupling("half", MLP([32]))
    >>> z, log_det = layer(np.ones([3, 4], "float32"))
    >>> z.shape, log_det.shape
    (TensorShape([3, 4]), TensorShape([3]))
    """

    uses_condition = True

    def __init__(
        self,
        mask: str | Mask,
        network: keras.layers.Layer,
        family: str | Family = "affine",
        kernel_size: int = 1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.mask = resolve(mask, MASKS, Mask, "mask")
        self.network = network
        self.family = resolve(family, FAMILIES, Family, "family")
        check_bounds(1, kernel_size=kernel_size)
        self.kernel_size = kernel_size

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        super().build(x_shape, condition_shape)
        self.check_known()
        self.mask.check_event(self.event_shape)
        count = self.mask.num_changed(self.event_shape[-1]) * self.family.num_parameters
        seen = self._seen_shape(x_shape)
        # Called, not asked: a network need have neither `build` nor `compute_output_shape`.
        features = self.network(keras.KerasTensor(seen, self.flow_dtype))
        self.head = self._head(count)
        self.head.build(features.shape)

    def _head(self, count):
        # Never in half precision: eight bits are what pixels have, and shifts must be finer.
        options = {"kernel_initializer": "zeros", "name": "head", "dtype": self.flow_dtype}
        if len(self.event_shape) == 3:
            return keras.layers.Conv2D(count, self.kernel_size, padding="same", **options)
        if self.kernel_size > 1:
            raise ValueError(
                "A coupling with `kernel_size` above 1 expected images [batch, height, width, "
                f"channels]. Received: event shape {self.event_shape}."
            )
        return keras.layers.Dense(count, **options)

    def forward_and_log_det(
        self, x: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return self._transform(self.family.forward_and_log_det, x, condition)

    def inverse_and_log_det(
        self, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        condition = self.check_condition(condition)
        return self._transform(self.family.inverse_and_log_det, z, condition)

    def _transform(self, function, value, condition):
        kept, changed = self.mask.split(value)
        changed, log_det = function(changed, self._parameters(kept, condition))
        log_det = tf.reduce_sum(log_det, list(range(1, len(self.event_shape) + 1)))
        return self.mask.merge(kept, changed), log_det

    def _parameters(self, kept, condition):
        seen = kept if condition is None else tf.concat([kept, _spread(condition, kept)], -1)
        outputs = of_any_batch(lambda seen: self.head(self.network(seen)), seen)
        outputs = tf.cast(outputs, self.flow_dtype)
        count = outputs.shape[-1] // self.family.num_parameters
        shape = [-1, *outputs.shape[1:-1], count, self.family.num_parameters]
        return self.mask.select(tf.reshape(outputs, shape))

    def _seen_shape(self, x_shape):
        kept = self.mask.split(tf.zeros((1, *self.event_shape)))[0].shape[1:]
        condition = (0,) if self.condition_shape is None else self.condition_shape
        if condition[:-1] not in ((), kept[:-1]) or not condition:
            raise ValueError(
                f"{named(self)} expected conditions that are vectors, or of the "
                f"{kept[:-1]} positions that its network sees. Received: shape {condition}."
            )
        return (x_shape[0], *kept[:-1], kept[-1] + condition[-1])

    def get_config(self) -> dict:
        return super().get_config() | {
            "mask": keras.saving.serialize_keras_object(self.mask),
            "network": keras.saving.serialize_keras_object(self.network),
            "family": keras.saving.serialize_keras_object(self.family),
            "kernel_size": self.kernel_size,
        }


def _spread(condition, value):
    """A condition `[batch, c]` at every position of `value`; one that has positions as it is."""
    if condition.shape.rank == value.shape.rank:
        return condition
    positions = value.shape[1:-1]
    condition = tf.reshape(condition, [-1, *[1] * len(positions), condition.shape[-1]])
    return tf.tile(condition, [1, *positions, 1])
