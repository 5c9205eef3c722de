"""From the unit interval to the reals."""

from __future__ import annotations

import keras
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfflows.bijector_layer import BijectorLayer


@keras.saving.register_keras_serializable("tfflows")
class Logit(BijectorLayer):
    """`z = logit(alpha + (1 - 2 alpha) (x - low) / (high - low))`.

    That of the code of Dinh et al. 2017, symmetric; their section 4.1 prints `1 - alpha`.

    Args:
      alpha: keeps the logit away from the ends of the interval; 0.05 in RealNVP.
      low, high: the interval of the data.
      **kwargs: those of `keras.layers.Layer`.

    >>> z, log_det = Logit()(np.full([1, 1], 0.5, "float32"))
    >>> float(z[0, 0]), round(float(log_det[0]), 4)  # log 4
    (0.0, 1.3863)
    """

    def __init__(self, alpha: float = 0.0, low: float = 0.0, high: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= alpha < 0.5:
            raise ValueError(f"`alpha` should be in [0, 0.5). Received: alpha={alpha}.")
        if not low < high:
            raise ValueError(f"`low` should be below `high`. Received: low={low}, high={high}.")
        self.alpha = alpha
        self.low = low
        self.high = high

    def forward_and_log_det(self, x, condition=None):
        bijector = self._scalar()
        return bijector.inverse(x), self._sum(bijector.inverse_log_det_jacobian(x, 0))

    def inverse_and_log_det(self, z, condition=None):
        log_det = self._sum(self._scalar().forward_log_det_jacobian(z, 0))
        # Not the value of `tfb.Sigmoid`: from 89 on, its gradient is NaN.
        return self._stretch().forward(tf.sigmoid(z)), log_det

    def _scalar(self):
        """The map from the reals into the interval."""
        return self._stretch()(tfb.Sigmoid())

    def _stretch(self):
        """From the unit interval to one that is a little wider than that of the data."""
        margin = self.alpha / (1 - 2 * self.alpha) * (self.high - self.low)
        dtype = self.flow_dtype
        low, high = tf.cast(self.low - margin, dtype), tf.cast(self.high + margin, dtype)
        return tfb.Shift(low)(tfb.Scale(high - low))

    def _sum(self, log_det):
        return tf.reduce_sum(log_det, range(1, len(self.event_shape) + 1))

    def get_config(self) -> dict:
        return super().get_config() | {"alpha": self.alpha, "low": self.low, "high": self.high}
