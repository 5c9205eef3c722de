"""Some elements of a tensor by a number."""

from __future__ import annotations

import tensorflow as tf

from tfflows.data_types import TensorLike


def replace_where(condition: TensorLike, number: float, tensor: TensorLike) -> tf.Tensor:
    """The tensor, with `number` where the condition holds.

    In graphs, `tf.where` takes a number that comes first for float32, whatever the tensor is.

    >>> replace_where([True, False], 0.0, tf.constant([2.0, 3.0], tf.float64)).numpy().tolist()
    [0.0, 3.0]
    """
    tensor = tf.convert_to_tensor(tensor)
    return tf.where(condition, tf.cast(number, tensor.dtype), tensor)
