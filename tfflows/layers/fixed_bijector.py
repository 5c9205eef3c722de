"""Any bijector of TFP's as a layer."""

from __future__ import annotations

import keras
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfflows.bijector_layer import BijectorLayer, shape_text
from tfflows.named import named
from tfflows.tfp_config import check_fixed, deserialize, serialize


@keras.saving.register_keras_serializable("tfflows")
class FixedBijector(BijectorLayer):
    """A `tfb.Bijector` between latents and data, with nothing to train.

    Its `forward` generates, as that of the bijector of `model.distribution()`: `x = fixed(z)`. So
    `FixedBijector(tfb.Exp())` is for positive data, `FixedBijector(tfb.Sigmoid(low, high))` for
    data between bounds. What lies beyond has latents that are infinite or NaN.

    It is saved by the name of its class in `tfp.bijectors` and its parameters: numbers, tensors,
    and other such bijectors. One that has variables, or that could not be saved, is refused.

    Args:
      fixed: a `tfb.Bijector` from one tensor to one, in the layer's dtype, that takes each event by
        itself. It may change an event's shape; where it changes its size, densities are TFP's.
      **kwargs: those of `keras.layers.Layer`.

    >>> z, log_det = FixedBijector(tfb.Exp())(np.array([[1.0, 2.0]], "float32"))
    >>> round(float(z[0, 1]), 4), round(float(log_det[0]), 4)  # log 2, -log 1 - log 2
    (0.6931, -0.6931)
    """

    def __init__(self, fixed: tfb.Bijector, **kwargs):
        super().__init__(**kwargs)
        self.fixed = fixed
        self._check_fixed()

    def _check_fixed(self):
        cure = "write a `BijectorLayer` whose weights they are"
        check_fixed("FixedBijector", self.fixed, "bijector", cure)

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        super().build(x_shape, condition_shape)
        where, given = named(self), type(self.fixed).__name__
        least = tf.nest.map_structure(tf.get_static_value, self.fixed.inverse_min_event_ndims)
        if tf.nest.is_nested(least) or least > len(self.event_shape):
            raise ValueError(
                f"{where} expected a bijector of events {shape_text(self.event_shape)}. Received: "
                f"{given}, whose events have at least {least} axes."
            )
        dtype = self.fixed.forward_dtype()  # None: any
        if dtype not in (None, self.flow_dtype):
            raise ValueError(
                f"{where} expected a bijector of dtype {self.flow_dtype}. Received: {given} of "
                f"dtype {tf.as_dtype(dtype).name}."
            )
        try:
            self._trace(self.forward_and_log_det, self.event_shape)
            self._trace(self.inverse_and_log_det, self.latent_shape)
        except Exception as error:  # whatever a bijector of TFP's raises
            raise ValueError(
                f"{where} expected a bijector that takes {shape_text(self.event_shape)} of "
                f"{self.flow_dtype} to latents and back, each event by itself. Received: {given}, "
                f"with which this fails on a batch of 1: {error}"
            ) from error
        self._check_fixed()  # once more, since some make their variables when they are called

    def _trace(self, function, event_shape):
        """Runs it without values; on a batch of 1, to see that parameters add none of their own."""
        spec = tf.TensorSpec([1, *event_shape], self.flow_dtype)
        with tf.init_scope():
            tf.function(function, autograph=False).get_concrete_function(spec)

    def forward_and_log_det(
        self, x: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        x = tf.identity(x)  # TFP's cache may know the other, and what that once came from
        z = self.fixed.inverse(x)
        log_det = self.fixed.inverse_log_det_jacobian(x, len(self.event_shape))
        return _checked(x, z, self.latent_shape), tf.broadcast_to(log_det, tf.shape(x)[:1])

    def inverse_and_log_det(
        self, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        z = tf.identity(z)
        x = self.fixed.forward(z)
        log_det = self.fixed.forward_log_det_jacobian(z, len(self.latent_shape))
        return _checked(z, x, self.event_shape), tf.broadcast_to(log_det, tf.shape(z)[:1])

    def compute_output_shape(self, x_shape: tuple, condition_shape: tuple | None = None) -> tuple:
        return (x_shape[0], *self.fixed.inverse_event_shape(x_shape[1:]))

    def get_config(self) -> dict:
        return super().get_config() | {"fixed": serialize(self.fixed)}

    @classmethod
    def from_config(cls, config: dict) -> FixedBijector:
        return super().from_config(config | {"fixed": deserialize(config["fixed"])})


def _checked(given, value, event_shape):
    if not tf.is_tensor(value):
        raise ValueError(f"it makes a {type(value).__name__} of a tensor.")
    value.set_shape([given.shape[0], *event_shape])
    return value
