"""Channels to space."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfflows.layers.squeeze import Squeeze


@keras.saving.register_keras_serializable("tfflows")
class Unsqueeze(Squeeze):
    """Undoes `Squeeze`: spreads the channels over `factor` x `factor` blocks of pixels.

    `[batch, height, width, channels]` to
    `[batch, factor * height, factor * width, channels / factor**2]`; log-determinant zero.

    Args:
      factor: side of a block; its square must divide the channels.
      **kwargs: those of `keras.layers.Layer`.

    >>> Unsqueeze()(np.ones([1, 2, 2, 12], "float32"))[0].shape
    TensorShape([1, 4, 4, 3])
    """

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        if len(x_shape) != 4 or x_shape[3] is None or x_shape[3] % self.factor**2:
            raise ValueError(
                "`Unsqueeze` expected images [batch, height, width, channels] with channels "
                f"divisible by {self.factor**2}. Received: shape {tuple(x_shape)}."
            )
        super().build(self.compute_output_shape(x_shape), condition_shape)
        self.event_shape = tuple(x_shape[1:])

    def forward_and_log_det(
        self, x: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return super().inverse_and_log_det(x, condition)

    def inverse_and_log_det(
        self, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return super().forward_and_log_det(z, condition)

    def compute_output_shape(self, x_shape: tuple, condition_shape: tuple | None = None) -> tuple:
        batch, height, width, channels = x_shape
        block = self.factor
        return (batch, height * block, width * block, channels // block**2)
