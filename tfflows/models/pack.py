"""Data and conditions, as Keras's fit wants them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfflows.data_types import Data, TensorLike
from tfflows.models.packed_py_dataset import PackedPyDataset
from tfflows.models.parts import data_and_condition
from tfflows.models.shared_data import sharded

DATASETS = tf.data.Dataset, keras.utils.PyDataset


def pack(
    x: Data, condition: TensorLike | None, check: Callable, sample_weight: TensorLike | None = None
) -> dict:
    """`x` and its condition as the one input of the model.

    Keras hands a model's `call` only the first element of what `fit` is given; a condition is an
    input, not a target.

    Args:
      x: array, tensor or dataset, of TensorFlow or a `keras.utils.PyDataset`.
      condition: array, tensor or None.
      check: called with `x` and the condition where they are arrays.
      sample_weight: None, or one for each example.
    """
    check_source(x)
    if isinstance(x, DATASETS):
        for what, given in (("y", condition), ("sample_weight", sample_weight)):
            if given is not None:
                raise ValueError(
                    "With a dataset, conditions and weights come in it: (x, condition, weight). "
                    f"Received: {what} as well."
                )
        return {"x": map_data(x) if isinstance(x, tf.data.Dataset) else PackedPyDataset(x, _inputs)}
    if isinstance(x, (tuple, list)):
        check(*data_and_condition(x))
    else:
        check(x, condition)
    packed = {"x": x if condition is None else (x, condition)}
    if sample_weight is None:
        return packed
    # Keras forgets the weights of what has no target; this one is not looked at.
    return packed | {"y": sample_weight, "sample_weight": sample_weight}


def map_data(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """A dataset of `x`, of `(x, condition)` or of `(x, condition, weight)`, as Keras takes it.

    With weights alone, the condition is None.
    """
    dataset = sharded(dataset)
    if not isinstance(dataset.element_spec, tuple):
        return dataset
    return dataset.map(_inputs)


def _inputs(x, *condition_and_weight):
    if not condition_and_weight:
        return (x,)
    condition, *weight = condition_and_weight
    return x if condition is None else (x, condition), *(weight * 2)


def check_source(x: Any) -> None:
    """Raises a ValueError for what is neither an array, nor arrays, nor a dataset."""
    if not (isinstance(x, (*DATASETS, list, tuple)) or hasattr(x, "__array__")):
        raise ValueError(
            "`x` should be an array, a `tf.data.Dataset` (of a generator, by "
            "`tf.data.Dataset.from_generator`) or a `keras.utils.PyDataset`. "
            f"Received: {type(x).__name__}."
        )
