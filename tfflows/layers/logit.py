"""From the unit interval to the reals."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfflows.bijector_layer import BijectorLayer, shape_text
from tfflows.named import named
from tfflows.replace_where import replace_where


@keras.saving.register_keras_serializable("tfflows")
class Logit(BijectorLayer):
    """`z = logit(alpha + (1 - 2 alpha) (x - low) / (high - low))`.

    That of the code of Dinh et al. 2017, symmetric; their section 4.1 prints `1 - alpha`.

    Ends that data can have need an `alpha`: without one their density is 0, as it is outside: there
    log_det is -inf, and z that of the middle. What comes back is always within.

    Args:
      alpha: keeps the logit away from the ends of the interval; 0.05 in RealNVP.
      low, high: the interval of the data; or lists, with one for each element of the last axis.
      **kwargs: those of `keras.layers.Layer`.

    >>> z, log_det = Logit()(np.full([1, 1], 0.5, "float32"))
    >>> float(z[0, 0]), round(float(log_det[0]), 4)  # log 4
    (0.0, 1.3863)
    """

    def __init__(
        self,
        alpha: float = 0.0,
        low: float | Sequence[float] = 0.0,
        high: float | Sequence[float] = 1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not 0 <= alpha < 0.5:
            raise ValueError(f"`alpha` should be in [0, 0.5). Received: alpha={alpha}.")
        if max(np.ndim(low), np.ndim(high)) > 1 or not np.less(low, high).all():
            raise ValueError(f"`low` should be below `high`. Received: low={low}, high={high}.")
        self.alpha = alpha
        self.low = np.asarray(low, float).tolist()
        self.high = np.asarray(high, float).tolist()

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        super().build(x_shape, condition_shape)
        for name, ends in (("low", self.low), ("high", self.high)):
            if np.ndim(ends) and len(ends) != x_shape[-1]:
                raise ValueError(
                    f"{named(self)} expected `{name}` to be a number, or as many as "
                    f"the last axis has elements. Received: {len(ends)}, for shape "
                    f"{shape_text(self.event_shape)}."
                )

    def forward_and_log_det(
        self, x: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        low, high = self._ends()
        is_outside = (x <= low) | (x >= high)
        # Selected before the logarithm, whose gradient would not be finite.
        u = replace_where(is_outside, 0.5, (x - low) / (high - low))
        u = _between(u, *_within(*np.array([0, 1], self.flow_dtype)))  # 0 or 1 by rounding
        log_det = tfb.Sigmoid().inverse_log_det_jacobian(u, 0) - np.log(high - low)
        return tfb.Sigmoid().inverse(u), self._sum(replace_where(is_outside, -np.inf, log_det))

    def inverse_and_log_det(
        self, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        low, high = self._ends()
        log_det = tfb.Sigmoid().forward_log_det_jacobian(z, 0) + np.log(high - low)
        # Not the value of `tfb.Sigmoid`: from 89 on, its gradient is NaN.
        x = _between(low + (high - low) * tf.sigmoid(z), *_within(low, high))
        return x, self._sum(log_det)

    def _ends(self):
        """Those of an interval that is a little wider than that of the data."""
        low, high = np.asarray(self.low), np.asarray(self.high)
        margin = self.alpha / (1 - 2 * self.alpha) * (high - low)
        return (low - margin).astype(self.flow_dtype), (high + margin).astype(self.flow_dtype)

    def _sum(self, log_det):
        return tf.reduce_sum(log_det, range(1, len(self.event_shape) + 1))

    def get_config(self) -> dict:
        return super().get_config() | {"alpha": self.alpha, "low": self.low, "high": self.high}


def _within(low, high):
    """The first number and the last one between two; no denormal, which TensorFlow makes 0."""
    tiny = np.finfo(low.dtype).tiny
    first, last = np.nextafter(low, high), np.nextafter(high, low)
    return np.maximum(first, low + tiny), np.minimum(last, high - tiny)


def _between(x, first, last):
    """`tf.clip_by_value`, but that NaN stays NaN."""
    x = tf.where(x < first, first, x)
    return tf.where(x > last, last, x)
