"""The volume-preserving family of NICE."""

from __future__ import annotations

import keras
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfflows.families.family import Family


@keras.saving.register_keras_serializable("tfflows")
class Additive(Family):
    """`z = x - shift`, log-determinant zero (Dinh et al. 2015, NICE, section 3.2).

    >>> z, log_det = Additive().forward_and_log_det(tf.constant([3.0]), tf.constant([[1.0]]))
    >>> float(z[0]), float(log_det[0])
    (2.0, 0.0)
    """

    num_parameters = 1

    def bijector(self, parameters: tf.Tensor) -> tfb.Bijector:
        return tfb.Shift(parameters[..., 0])

    def forward_and_log_det(
        self, x: tf.Tensor, parameters: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return self.bijector(parameters).inverse(x), tf.zeros_like(x)

    def inverse_and_log_det(
        self, z: tf.Tensor, parameters: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return self.bijector(parameters).forward(z), tf.zeros_like(z)
