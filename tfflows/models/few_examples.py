"""The data that data-dependent initialisation takes."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfflows.data_types import Data, TensorLike
from tfflows.models.data_shapes import data_shapes
from tfflows.models.parts import parts


def few_examples(
    data: Data, condition: TensorLike | None = None, count: int | None = None
) -> tuple:
    """A few examples and their conditions, or None.

    Args:
      data: array, of which examples are drawn at random, always the same; or dataset of batches
        (of pairs with conditions), of TensorFlow or of Keras, of which the first are taken.
      condition: conditions, where `data` is an array.
      count: how many; None: 4096 vectors, or 256 images, each of which has many pixels.

    Raises:
      ValueError: there are none.

    >>> [len(part) for part in few_examples(np.zeros([9, 2]), np.zeros([9, 1]), 5)]
    [5, 5]
    """
    if count is None:
        count = 4096 if len(data_shapes(data)[0]) == 2 else 256
    if isinstance(data, (tf.data.Dataset, keras.utils.PyDataset)):
        given = [None if part is None else part[:count] for part in _of_dataset(data, count)]
    else:
        given = [None if part is None else _drawn(part, count) for part in (data, condition)]
    if not len(given[0]):
        raise ValueError("`data` should have examples to adapt to. Received: none.")
    return tuple(given)


def _drawn(array, count):
    """The same rows of arrays that are as long; not the first, since data may be sorted."""
    if len(array) <= count:
        return array
    rows = np.random.RandomState(0).permutation(len(array))[:count]
    return np.asarray(array)[np.sort(rows)]


def _of_dataset(dataset, count):
    batches, seen = [], 0
    for batch in dataset:
        batches.append(parts(batch))
        seen += len(batches[-1][0])
        if seen >= count:
            break
    if not batches:
        return (), None
    x, condition, *_ = *zip(*batches), [None]
    return tf.concat(x, 0), None if condition[0] is None else tf.concat(condition, 0)
