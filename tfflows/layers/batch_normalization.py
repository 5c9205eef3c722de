"""RealNVP's batch normalization."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfflows.bijector_layer import BijectorLayer
from tfflows.replicas import sum_over_replicas


@keras.saving.register_keras_serializable("tfflows")
class BatchNormalization(BijectorLayer):
    """`z = (x - mean) / sqrt(variance + epsilon)` per channel, with moving statistics.

    Dinh et al. 2017, section 3.7 and appendix E: in training, too, a batch is normalized with the
    moving averages, after they have moved towards its own mean and variance; the gradient goes
    through the batch's part of them. They are stored, so that the inverse, which always uses what
    is stored, inverts the last training pass. Unlike in Keras's layer of that name, no `gamma` and
    `beta` follow. `[batch, ..., channels]` to the same shape.

    The averages start at mean 0 and variance 1. They move in calls with `training=True`, as in
    `fit`, unless the layer is frozen (`trainable = False`); `forward_and_log_det` never moves
    them. With several replicas the statistics are those of the global batch.

    Args:
      momentum: the part of the moving averages that a training step keeps.
      epsilon: added to the variance.
      **kwargs: those of `keras.layers.Layer`.

    >>> layer = BatchNormalization(momentum=0.0)
    >>> z, log_det = layer(np.array([[1.0], [5.0]], "float32"), training=True)
    >>> z.numpy().round(2).ravel().tolist()
    [-1.0, 1.0]
    >>> x, _ = layer.inverse_and_log_det(tf.identity(z))
    >>> x.numpy().round(2).ravel().tolist()
    [1.0, 5.0]
    """

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-5, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= momentum <= 1:
            raise ValueError(f"`momentum` should be in [0, 1]. Received: momentum={momentum}.")
        if not epsilon > 0:
            raise ValueError(f"`epsilon` should be positive. Received: epsilon={epsilon}.")
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        super().build(x_shape, condition_shape)
        mean, variance = np.zeros(x_shape[-1]), np.ones(x_shape[-1])
        self.moving_mean = self.add_flow_weight("moving_mean", mean, trainable=False)
        self.moving_variance = self.add_flow_weight("moving_variance", variance, trainable=False)

    def call(
        self, x: tf.Tensor, condition: tf.Tensor | None = None, training: bool | None = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        if not (training and self.trainable):
            return super().call(x, condition)
        x = tf.cast(x, self.flow_dtype)
        self.check_shape("x", x, self.event_shape)
        self.check_condition(condition)
        return self._normalize(x, *self._update(x))

    def compute_output_spec(
        self,
        x: keras.KerasTensor,
        condition: keras.KerasTensor | None = None,
        training: bool | None = False,
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        return super().compute_output_spec(x, condition)

    def forward_and_log_det(
        self, x: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return self._normalize(x, *self._stored())

    def inverse_and_log_det(
        self, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        mean, variance = self._stored()
        return z * tf.sqrt(variance + self.epsilon) + mean, self._log_det(z, variance, 1.0)

    def _normalize(self, x, mean, variance):
        z = (x - mean) / tf.sqrt(variance + self.epsilon)
        return z, self._log_det(x, variance, -1.0)

    def _log_det(self, value, variance, sign):
        total = tf.reduce_sum(tf.math.log(variance + self.epsilon))
        return self.constant_log_det(value, 0.5 * sign * self.num_positions * total)

    def _stored(self):
        return tf.convert_to_tensor(self.moving_mean), tf.convert_to_tensor(self.moving_variance)

    def _update(self, x):
        """Moves the statistics towards those of `x`, stores them and returns them."""
        old_mean, old_variance = self._stored()
        mean = _global_mean(x, old_mean)
        variance = _global_mean(tf.square(x - mean), old_variance)
        mean = self.momentum * old_mean + (1 - self.momentum) * mean
        variance = self.momentum * old_variance + (1 - self.momentum) * variance
        self.moving_mean.assign(mean)
        self.moving_variance.assign(variance)
        return mean, variance

    def get_config(self) -> dict:
        return super().get_config() | {"momentum": self.momentum, "epsilon": self.epsilon}


def _global_mean(x, old):
    """Mean over all axes but the last, and over the replicas, whose batches may differ in size.

    Of no examples at all, the old one.
    """
    total = tf.reduce_sum(x, range(x.shape.rank - 1))
    count = tf.cast(tf.size(x) // x.shape[-1], x.dtype)
    total, count = sum_over_replicas([total, count])
    return tf.where(count > 0, tf.math.divide_no_nan(total, count), old)
