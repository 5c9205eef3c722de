"""The assertion of distributions over integers."""

from __future__ import annotations

import tensorflow as tf


def assert_integers(y: tf.Tensor, low: float, high: float) -> list:
    """What raises an InvalidArgumentError, when it runs, for values of other than integers.

    Args:
      y: values, of a floating dtype.
      low, high: the first integer and the last; or infinity.

    >>> assert_integers(tf.constant([0.0, 1.5]), 0, 255)
    Traceback (most recent call last):
    ...
    tensorflow.python.framework.errors_impl.InvalidArgumentError: ...
    """
    good = tf.clip_by_value(tf.round(y), low, high)
    message = f"Values should be integers from {low} to {high}."
    return [tf.debugging.assert_equal(y, good, message)]
