"""Numbers as tensors."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfflows.data_types import TensorLike


def as_tensor(x: TensorLike) -> tf.Tensor:
    """A tensor; of lists too in the precision of their numbers, where TensorFlow's is float32.

    >>> as_tensor([0.1]).dtype.name, as_tensor(tf.constant([0.1])).dtype.name
    ('float64', 'float32')
    """
    return x if tf.is_tensor(x) else tf.convert_to_tensor(np.asarray(x))
