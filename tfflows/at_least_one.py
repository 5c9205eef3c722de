"""No examples, made one."""

from __future__ import annotations

import tensorflow as tf


def at_least_one(x: tf.Tensor | None, axis: int = 0) -> tf.Tensor | None:
    """With one element of zeros along the axis where there is none.

    TensorFlow's convolutions on a CPU give wrong shapes for batches of none.

    >>> at_least_one(tf.ones([0, 2])).numpy().tolist(), at_least_one(tf.ones([1, 2])).shape
    ([[0.0, 0.0]], TensorShape([1, 2]))
    """
    if x is None or x.shape[axis]:
        return x
    missing = tf.maximum(1 - tf.shape(x)[axis], 0)
    return tf.pad(x, [[0, missing if i == axis else 0] for i in range(x.shape.rank)])
