"""A mean of many weights, of which only one is held at a time."""

from __future__ import annotations

import math
from collections.abc import Callable

import keras
import tensorflow as tf


def log_mean_exp(log_weight: Callable, count: int) -> tf.Tensor:
    """`log(mean_i exp(log_weight(i)))` over `i` from 0 to `count - 1`.

    A running sum, kept as its logarithm: memory does not grow with `count` (under a gradient tape
    it does).

    Args:
      log_weight: takes a scalar int32 tensor to `[batch]`.
      count: how many.

    >>> weights = tf.math.log([1.0, 2.0, 6.0])
    >>> round(float(log_mean_exp(lambda i: weights[i], 3)), 4)  # log 3
    1.0986
    """

    def step(i, total):
        # Losses that layers add in a loop cannot be used outside: those of the first weight are.
        with keras.StatelessScope(collect_losses=True):
            return i + 1, _log_add_exp(total, log_weight(i))

    start = (tf.constant(1), log_weight(tf.constant(0)))
    _, total = tf.while_loop(lambda i, _: i < count, step, start, parallel_iterations=1)
    return total - math.log(count)


def _log_add_exp(a, b):
    larger = tf.maximum(a, b)
    # Where both are -inf, or +inf, their difference is NaN, and the sum is as they are.
    sum_ = larger + tf.math.log1p(tf.exp(-tf.abs(a - b)))
    return tf.where(tf.math.is_finite(larger), sum_, larger)
