"""A fixed affine map."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from tfflows.bijector_layer import BijectorLayer


@keras.saving.register_keras_serializable("tfflows")
class Rescale(BijectorLayer):
    """`z = scale x + offset`: Keras's Rescaling, with a log-determinant.

    Args:
      scale: factor, not zero.
      offset: added after that.
      **kwargs: those of `keras.layers.Layer`.

    >>> z, log_det = Rescale(0.5, -1.0)(np.array([[4.0]], "float32"))
    >>> float(z[0, 0]), round(float(log_det[0]), 4)  # -log 2
    (1.0, -0.6931)
    """

    def __init__(self, scale: float, offset: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        if not (scale and math.isfinite(scale) and math.isfinite(offset)):
            raise ValueError(
                "`scale` and `offset` should be finite numbers, and `scale` not zero. "
                f"Received: scale={scale}, offset={offset}."
            )
        self.scale = scale
        self.offset = offset

    def forward_and_log_det(
        self, x: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return x * self.scale + self.offset, self._log_det(x, 1.0)

    def inverse_and_log_det(
        self, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return (z - self.offset) / self.scale, self._log_det(z, -1.0)

    def _log_det(self, value, sign):
        total = math.prod(self.event_shape) * math.log(abs(self.scale))
        return self.constant_log_det(value, sign * total)

    def get_config(self) -> dict:
        return super().get_config() | {"scale": self.scale, "offset": self.offset}
