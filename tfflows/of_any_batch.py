"""Convolutions of batches of none."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfflows.at_least_one import at_least_one


def of_any_batch(function: Callable, x: tf.Tensor) -> tf.Tensor:
    """`function(x)`; of images it is given at least one, whose outputs are cut off again.

    >>> of_any_batch(keras.layers.Conv2D(2, 3), tf.ones([0, 4, 4, 1])).shape
    TensorShape([0, 2, 2, 2])
    """
    if x.shape.rank < 4 or x.shape[0]:
        return function(x)
    outputs = function(at_least_one(x))
    rest = [-1] * (outputs.shape.rank - 1)  # a whole slice, of which the gradient makes no copy
    cut = tf.slice(outputs, [0] * outputs.shape.rank, [tf.shape(x)[0], *rest])
    return tf.ensure_shape(cut, [x.shape[0], *outputs.shape[1:]])
