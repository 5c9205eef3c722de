"""What families of a scale and a shift have in common."""

from __future__ import annotations

import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfflows.families.family import Family


class LocationScale(Family):
    """Two parameters, of which a subclass makes a bijector that scales and shifts.

    It writes `_bijector_and_log_scale`, the bijector from latents to data and its log-scale.
    """

    num_parameters = 2

    def bijector(self, parameters: tf.Tensor) -> tfb.Bijector:
        return self._bijector_and_log_scale(parameters)[0]

    def forward_and_log_det(
        self, x: tf.Tensor, parameters: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        # TFP gives the same log-determinant, by some forty graph operations more.
        bijector, log_scale = self._bijector_and_log_scale(parameters)
        return bijector.inverse(x), -log_scale

    def inverse_and_log_det(
        self, z: tf.Tensor, parameters: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        bijector, log_scale = self._bijector_and_log_scale(parameters)
        return bijector.forward(z), log_scale

    def _bijector_and_log_scale(self, parameters):
        raise NotImplementedError
