"""The split of a last axis into its even and odd elements."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfflows.masks.mask import Mask


@keras.saving.register_keras_serializable("tfflows")
class Alternating(Mask):
    """Keeps elements 0, 2, 4, ... of the last axis, transforms 1, 3, 5, ...; `swap` the others.

    >>> kept, changed = Alternating().split(tf.constant([[1, 2, 3, 4, 5]]))
    >>> kept.numpy().tolist(), changed.numpy().tolist()
    ([[1, 3, 5]], [[2, 4]])
    """

    def split(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        even, odd = x[..., 0::2], x[..., 1::2]
        return (odd, even) if self.swap else (even, odd)

    def merge(self, kept: tf.Tensor, changed: tf.Tensor) -> tf.Tensor:
        even, odd = (changed, kept) if self.swap else (kept, changed)
        missing = even.shape[-1] - odd.shape[-1]
        padded = tf.concat([odd, odd[..., :1] if odd.shape[-1] else even], -1) if missing else odd
        pairs = tf.stack([even, padded], -1)
        channels = even.shape[-1] + odd.shape[-1]
        shape = tf.concat([tf.shape(even)[:-1], [2 * even.shape[-1]]], 0)
        return tf.reshape(pairs, shape)[..., :channels]

    def num_changed(self, channels: int) -> int:
        return (channels + 1) // 2 if self.swap else channels // 2
