"""Data and conditions, as Keras's fit wants them."""

from __future__ import annotations

import tensorflow as tf

from tfflows.models.shared_data import sharded


def pack(x, condition, check) -> dict:
    """`x` and its condition as the one input of the model.

    Keras hands a model's `call` only the first element of what `fit` is given; a condition is an
    input, not a target.

    Args:
      x: array, tensor or dataset.
      condition: array, tensor or None.
      check: called with `x` and the condition where they are arrays.
    """
    if isinstance(x, tf.data.Dataset):
        if condition is not None:
            raise ValueError("With a dataset, conditions come in it. Received: y as well.")
        return {"x": map_data(x)}
    if hasattr(x, "__array__"):
        check(x, condition)
    return {"x": x if condition is None else (x, condition)}


def map_data(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """A dataset of `x`, or of pairs `(x, condition)`, with each element as one input."""
    dataset = sharded(dataset)
    if not isinstance(dataset.element_spec, tuple):
        return dataset
    return dataset.map(lambda *element: (element,) if len(element) == 2 else element)
