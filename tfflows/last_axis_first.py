"""The last axis moved to the front."""

import tensorflow as tf


def last_axis_first(x: tf.Tensor) -> tf.Tensor:
    """`[..., K]` to `[K, ...]`: TensorFlow's CPU kernels are slow along a short last axis.

    >>> last_axis_first(tf.zeros([5, 4, 2])).shape
    TensorShape([2, 5, 4])
    """
    return tf.transpose(x, [x.shape.rank - 1, *range(x.shape.rank - 1)])
