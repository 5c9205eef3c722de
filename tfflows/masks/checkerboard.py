"""RealNVP's spatial mask."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfflows.masks.mask import Mask


@keras.saving.register_keras_serializable("tfflows")
class Checkerboard(Mask):
    """Transforms the pixels whose row and column add up to an odd number (Dinh et al. 2017, 3.4).

    The network sees the image with those pixels zeroed, and gives parameters at every pixel; the
    half that is transformed, `[batch, height, width / 2, channels]`, is packed, so that nothing
    is computed for pixels that stay. The width must be even. `swap`: even instead of odd.

    >>> image = tf.reshape(tf.range(8.0), [1, 2, 4, 1])
    >>> kept, changed = Checkerboard().split(image)
    >>> kept[0, :, :, 0].numpy().tolist(), changed[0, :, :, 0].numpy().tolist()
    ([[0.0, 0.0, 2.0, 0.0], [0.0, 5.0, 0.0, 7.0]], [[1.0, 3.0], [4.0, 6.0]])
    """

    def split(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.where(self._is_changed(x), tf.zeros([], x.dtype), x), self._pack(x)

    def merge(self, kept: tf.Tensor, changed: tf.Tensor) -> tf.Tensor:
        return tf.where(self._is_changed(kept), self._unpack(changed), kept)

    def num_changed(self, channels: int) -> int:
        return channels

    def check_event(self, event_shape: tuple) -> None:
        if len(event_shape) != 3:
            raise ValueError(
                "A checkerboard mask expected images [batch, height, width, channels]. "
                f"Received: event shape {event_shape}."
            )

    def select(self, parameters: tf.Tensor) -> tf.Tensor:
        return self._pack(parameters)

    def _pack(self, x):
        if x.shape[2] % 2:
            raise ValueError(
                "A checkerboard mask expected an even width. "
                f"Received: an image of width {x.shape[2]}."
            )
        _, height, width, *others = x.shape
        left, right = tf.unstack(tf.reshape(x, [-1, height, width // 2, 2, *others]), axis=3)
        takes_left = self._takes_left(height).reshape([-1] + [1] * (x.shape.rank - 2))
        return tf.where(takes_left, left, right)

    def _unpack(self, packed):
        """Each column twice: what was packed stands where it came from, and beside it."""
        _, height, width, *others = packed.shape
        return tf.reshape(tf.stack([packed, packed], 3), [-1, height, 2 * width, *others])

    def _takes_left(self, height):
        """For each row, whether the changed pixels are in columns 0, 2, 4, ..."""
        return np.arange(height) % 2 == (0 if self.swap else 1)

    def _is_changed(self, x):
        """`[height, width, 1]`; an array, since heights and widths are known."""
        height, width = x.shape[1:3]
        even_column = np.arange(width) % 2 == 0
        return (self._takes_left(height)[:, np.newaxis] == even_column)[:, :, np.newaxis]
