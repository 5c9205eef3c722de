"""What ActNorm and Standardize share."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfflows.adaptable import Adaptable
from tfflows.bijector_layer import BijectorLayer
from tfflows.data_types import TensorLike


class Channelwise(Adaptable, BijectorLayer):
    """`z = (x - loc) exp(-log_scale)`, a location and a scale for each element of the last axis."""

    trainable_affine = True
    """Whether location and scale are trained once they have been set by `adapt`."""

    def get_config(self) -> dict:
        return super().get_config()  # Keras's own refuses a dtype that is a policy

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        super().build(x_shape, condition_shape)
        zeros, trainable = np.zeros(x_shape[-1]), self.trainable_affine
        self.loc = self.add_flow_weight("loc", zeros, trainable)
        self.log_scale = self.add_flow_weight("log_scale", zeros, trainable)
        self.add_adapted_flag()

    @property
    def adapted(self) -> bool:
        """Whether data have set location and scale, by `adapt` or by a training without it."""
        return super().adapted or self.built and any(np.any(w) for w in (self.loc, self.log_scale))

    def adapt(self, x: TensorLike, condition: TensorLike | None = None) -> None:
        """Sets location and scale to the mean and standard deviation of each channel of `x`."""
        self.prepare(x, condition)
        rows = np.asarray(x, "float64").reshape(-1, self.event_shape[-1])
        self.loc.assign(rows.mean(0))
        # A constant channel has no scale to be divided by: it is only shifted.
        rounding = np.finfo(self.flow_dtype).eps * np.abs(rows).max(0)
        std = (rows - rows[0]).std(0)
        self.log_scale.assign(np.log(np.where(std > 4 * rounding, std, 1.0)))
        self.adapted_flag.assign(1)

    def forward_and_log_det(
        self, x: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return self._scalar().inverse(x), self._log_det(x, -1.0)

    def inverse_and_log_det(
        self, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return self._scalar().forward(z), self._log_det(z, 1.0)

    def _scalar(self):
        scale = tfb.Scale(log_scale=tf.convert_to_tensor(self.log_scale))
        return tfb.Shift(tf.convert_to_tensor(self.loc))(scale)

    def _log_det(self, value, sign):
        total = tf.reduce_sum(tf.convert_to_tensor(self.log_scale))
        return self.constant_log_det(value, sign * self.num_positions * total)
