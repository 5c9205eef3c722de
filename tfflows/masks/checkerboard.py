"""RealNVP's spatial mask."""

from __future__ import annotations

import keras
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

    def split(self, x):
        return tf.where(self._is_changed(x), tf.zeros_like(x), x), self._pack(x)

    def merge(self, kept, changed):
        doubled = tf.repeat(changed, 2, axis=2)
        return tf.where(self._is_changed(kept), doubled, kept)

    def num_changed(self, channels: int) -> int:
        return channels

    def select(self, parameters):
        return self._pack(parameters)

    def _pack(self, x):
        if x.shape[2] % 2:
            raise ValueError(
                "A checkerboard mask expected an even width. "
                f"Received: an image of width {x.shape[2]}."
            )
        left, right = x[:, :, 0::2], x[:, :, 1::2]
        takes_left = tf.reshape(self._takes_left(x), [1, -1] + [1] * (x.shape.rank - 2))
        return tf.where(takes_left, left, right)

    def _takes_left(self, x):
        """For each row, whether the changed pixels are in columns 0, 2, 4, ..."""
        rows = tf.range(tf.shape(x)[1])
        return tf.equal(rows % 2, 0 if self.swap else 1)

    def _is_changed(self, x):
        columns = tf.range(tf.shape(x)[2])
        even_column = tf.equal(columns % 2, 0)
        changed = tf.equal(self._takes_left(x)[:, tf.newaxis], even_column[tf.newaxis, :])
        return changed[tf.newaxis, :, :, tf.newaxis]
