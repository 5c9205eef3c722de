"""Shapes of data, before a model is built."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfflows.data_types import Data, TensorLike
from tfflows.models.parts import parts


def data_shapes(x: Data, condition: TensorLike | None = None) -> list[tuple]:
    """Those of data, and of conditions if there are any, the batch not known.

    Args:
      x: array, tensor, or dataset of batches (of pairs with conditions), of TensorFlow or of Keras.
      condition: conditions, where `x` is no dataset.

    >>> data_shapes(np.zeros([9, 2]), np.zeros([9]))
    [(None, 2), (None,)]
    """
    given = x, condition
    if isinstance(x, tf.data.Dataset):
        check_spec(x)
        given = [s if isinstance(s, tf.TensorSpec) else None for s in parts(x.element_spec)[:2]]
    if isinstance(x, keras.utils.PyDataset):
        given = parts(x[0])[:2]
    return [(None, *np.shape(part)[1:]) for part in given if part is not None]


def check_spec(dataset: tf.data.Dataset) -> None:
    """Raises a ValueError unless a dataset's elements are such as models take."""
    specs = parts(dataset.element_spec)
    known = [isinstance(spec, tf.TensorSpec) and spec.shape.rank is not None for spec in specs]
    if not known[0] or len(known) > 3:
        raise ValueError(
            "A dataset should have batches of x, of (x, condition) or of (x, condition, weight), "
            f"tensors of a known rank. Received: {dataset.element_spec}."
        )
