"""The affine family of RealNVP and MAF."""

from __future__ import annotations

import keras
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfflows.families.bounded import bounded
from tfflows.families.location_scale import LocationScale


@keras.saving.register_keras_serializable("tfflows")
class Affine(LocationScale):
    """`z = (x - shift) exp(-log_scale)` (Papamakarios et al. 2017, MAF, equation 4).

    The log-scale is bounded, `max_log_scale * tanh(raw / max_log_scale)`: with a free one, a
    single outlier can send the scale, and then the loss, to infinity.

    Args:
      max_log_scale: bound on the absolute log-scale, in nats.

    >>> z, log_det = Affine().forward_and_log_det(tf.constant([3.0]), tf.constant([[1.0, 0.0]]))
    >>> float(z[0]), abs(float(log_det[0]))
    (2.0, 0.0)
    """

    def __init__(self, max_log_scale: float = 5.0):
        if not max_log_scale > 0:
            raise ValueError(
                f"`max_log_scale` should be greater than 0. Received: {max_log_scale}."
            )
        self.max_log_scale = max_log_scale

    def _bijector_and_log_scale(self, parameters):
        shift, raw = tf.unstack(parameters, axis=-1)
        log_scale = bounded(raw, self.max_log_scale)
        return tfb.Shift(shift)(tfb.Scale(log_scale=log_scale)), log_scale

    def get_config(self) -> dict:
        return {"max_log_scale": self.max_log_scale}
