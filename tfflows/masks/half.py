"""The split of a last axis into two halves."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfflows.masks.mask import Mask


@keras.saving.register_keras_serializable("tfflows")
class Half(Mask):
    """Keeps the first half of the last axis, transforms the second; `swap` the other way round.

    On images the last axis is the channels: RealNVP's channel-wise mask.

    >>> kept, changed = Half().split(tf.constant([[1, 2, 3, 4, 5]]))
    >>> kept.numpy().tolist(), changed.numpy().tolist()
    ([[1, 2, 3]], [[4, 5]])
    """

    def split(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        channels = x.shape[-1]
        first, second = tf.split(x, [self._first(channels), channels - self._first(channels)], -1)
        return (second, first) if self.swap else (first, second)

    def merge(self, kept: tf.Tensor, changed: tf.Tensor) -> tf.Tensor:
        return tf.concat([changed, kept] if self.swap else [kept, changed], -1)

    def num_changed(self, channels: int) -> int:
        first = self._first(channels)
        return first if self.swap else channels - first

    @staticmethod
    def _first(channels):
        return (channels + 1) // 2
