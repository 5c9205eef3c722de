"""Space to channels."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfflows.bijector_layer import BijectorLayer
from tfflows.check_bounds import check_bounds


@keras.saving.register_keras_serializable("tfflows")
class Squeeze(BijectorLayer):
    """Moves each `factor` x `factor` block of pixels into the channels (Dinh et al. 2017, 3.6).

    `[batch, height, width, channels]` to
    `[batch, height / factor, width / factor, factor**2 * channels]`; log-determinant zero.

    Args:
      factor: side of a block; must divide height and width.
      **kwargs: those of `keras.layers.Layer`.

    >>> Squeeze()(np.ones([1, 4, 4, 3], "float32"))[0].shape
    TensorShape([1, 2, 2, 12])
    """

    def __init__(self, factor: int = 2, **kwargs):
        super().__init__(**kwargs)
        check_bounds(1, factor=factor)
        self.factor = factor

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        super().build(x_shape, condition_shape)
        if len(x_shape) != 4 or any(n is None or n % self.factor for n in x_shape[1:3]):
            raise ValueError(
                "`Squeeze` expected images [batch, height, width, channels] with height and width "
                f"divisible by {self.factor}. Received: shape {tuple(x_shape)}."
            )

    def forward_and_log_det(
        self, x: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        z = x if self.factor == 1 else tf.nn.space_to_depth(x, self.factor)
        return z, self.constant_log_det(x, 0.0)

    def inverse_and_log_det(
        self, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        x = z if self.factor == 1 else tf.nn.depth_to_space(z, self.factor)
        return x, self.constant_log_det(z, 0.0)

    def compute_output_shape(self, x_shape: tuple, condition_shape: tuple | None = None) -> tuple:
        batch, height, width, channels = x_shape
        block = self.factor
        return (batch, height // block, width // block, channels * block**2)

    def get_config(self) -> dict:
        return super().get_config() | {"factor": self.factor}
