"""What TFP sees of a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf
from tensorflow_probability import bijectors as tfb
from tensorflow_probability import util as tfp_util

if TYPE_CHECKING:
    from tfflows.bijector_layer import BijectorLayer


class DerivedBijector(tfb.Bijector):
    """A `BijectorLayer` as a `tfb.Bijector`: `forward` generates (z to x), `inverse` encodes.

    Value and log-determinant come of one evaluation of the layer: whichever is asked for first
    leaves the other in the bijector's own cache. TFP's batch and sample axes, any number of them
    or none, become the layer's one batch axis and are put back.

    Args:
      layer: a built `BijectorLayer`.
      condition: None, or a tensor `[..., *condition event]`. Its leading axes are the batch shape
        of the bijector, as those of parameters in TFP: they and those of a value are broadcast.
    """

    def __init__(
        self,
        layer: BijectorLayer,
        condition: tf.Tensor | None = None,
        validate_args: bool = False,
        name: str = "derived_bijector",
    ):
        parameters = dict(locals())
        self._layer = layer
        self._condition = None if condition is None else tf.cast(condition, layer.flow_dtype)
        super().__init__(
            forward_min_event_ndims=len(layer.latent_shape),
            inverse_min_event_ndims=len(layer.event_shape),
            dtype=tf.as_dtype(layer.flow_dtype),
            validate_args=validate_args,
            parameters=parameters,
            name=name,
        )

    # Of the same layer, but of its weights as they are when it is made: not to be found in the
    # cache of TFP, which all bijectors share, under one that was made before a training step.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def _forward(self, z):
        x, log_det = self._evaluate(
            self._layer.inverse_and_log_det, z, self._layer.latent_shape, self._layer.event_shape
        )
        # Both directions share the one key of TFP's cache, which holds log|det dz/dx|.
        self._cache.forward_attributes(z)["ildj"] = -log_det
        return x

    def _inverse(self, x):
        z, log_det = self._evaluate(
            self._layer, x, self._layer.event_shape, self._layer.latent_shape
        )
        self._cache.inverse_attributes(x)["ildj"] = log_det
        return z

    def _forward_log_det_jacobian(self, z):
        self.forward(z)
        return -self._cache.forward_attributes(z)["ildj"]

    def _inverse_log_det_jacobian(self, x):
        self.inverse(x)
        return self._cache.inverse_attributes(x)["ildj"]

    def _evaluate(self, function, value, event_in, event_out):
        """Runs `function` on `value` with all leading axes folded into one batch axis."""
        static, batch = _leading_shape(value, event_in)
        condition = self._condition
        if condition is not None:
            event = self._layer.condition_shape
            own_static, own_batch = _leading_shape(condition, event)
            static = tf.broadcast_static_shape(static, own_static)
            batch = tf.broadcast_dynamic_shape(batch, own_batch)
            condition = tf.reshape(_broadcast_batch(condition, batch, event), [-1, *event])
            value = _broadcast_batch(value, batch, event_in)
        out, log_det = function(tf.reshape(value, [-1, *event_in]), condition)
        out = tf.reshape(out, tf.concat([batch, tf.constant(event_out, tf.int32)], 0))
        out.set_shape(static.concatenate(event_out))
        return out, tf.reshape(log_det, batch)

    @classmethod
    def _parameter_properties(cls, dtype):
        def ndims(bijector, z_ndims):
            more = z_ndims - bijector.forward_min_event_ndims
            return len(bijector._layer.condition_shape) + more

        return {"condition": tfp_util.ParameterProperties(event_ndims=ndims)}

    def _forward_event_shape(self, shape):
        return self._swap(shape, self._layer.latent_shape, self._layer.event_shape)

    def _inverse_event_shape(self, shape):
        return self._swap(shape, self._layer.event_shape, self._layer.latent_shape)

    def _forward_event_shape_tensor(self, shape):
        return self._swap_tensor(shape, self._layer.latent_shape, self._layer.event_shape)

    def _inverse_event_shape_tensor(self, shape):
        return self._swap_tensor(shape, self._layer.event_shape, self._layer.latent_shape)

    @staticmethod
    def _swap(shape, event_in, event_out):
        if shape.rank is None:
            return shape
        return shape[: shape.rank - len(event_in)].concatenate(event_out)

    @staticmethod
    def _swap_tensor(shape, event_in, event_out):
        leading = shape[: tf.size(shape) - len(event_in)]
        return tf.concat([leading, tf.constant(event_out, tf.int32)], 0)


def _leading_shape(tensor, event):
    """The shape of a tensor less that of its event, static and dynamic."""
    rank = tensor.shape.rank - len(event)
    tensor.shape[rank:].assert_is_compatible_with(event)  # or it would be broadcast, too
    return tensor.shape[:rank], tf.shape(tensor)[:rank]


def _broadcast_batch(tensor, batch, event):
    return tf.broadcast_to(tensor, tf.concat([batch, tf.constant(event, tf.int32)], 0))
