"""A random subset of the pixels of each image."""

from __future__ import annotations

import tensorflow as tf

from tfflows.data_types import TensorLike


def random_pixels(n: int, count: int, chosen: int, seed: TensorLike) -> tf.Tensor:
    """One pixel at random of each of equal stretches of an image: `[n, chosen]`, indices.

    Neighbours say nearly the same, and so are not both chosen often. Each pixel is as probable as
    any other, also where a stretch ends within a pixel: there it may be chosen twice.

    Args:
      n: how many images.
      count: pixels of an image.
      chosen: of these, how many.
      seed: a pair of integers.

    >>> random_pixels(1, 6, 6, [0, 1]).numpy().tolist()
    [[0, 1, 2, 3, 4, 5]]
    """
    # In parts of a pixel, `chosen` to each, so that all is in integers, which may be large.
    start = tf.range(chosen, dtype=tf.int64) * tf.cast(count, tf.int64)
    within = tf.random.stateless_uniform([n, chosen], tf.cast(seed, tf.int32), 0, count, tf.int32)
    return tf.cast((start + tf.cast(within, tf.int64)) // chosen, tf.int32)
