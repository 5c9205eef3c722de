"""Data and conditions, as Keras's fit wants them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfflows.data_types import Data, TensorLike
from tfflows.models.checked_data import is_real
from tfflows.models.data_shapes import check_spec
from tfflows.models.packed_py_dataset import PackedPyDataset
from tfflows.models.parts import data_and_condition, parts
from tfflows.models.shared_data import sharded

DATASETS = tf.data.Dataset, keras.utils.PyDataset


def pack(
    x: Data, condition: TensorLike | None, check: Callable, sample_weight: TensorLike | None = None
) -> dict:
    """`x` and its condition as the one input of the model.

    Keras hands a model's `call` only the first element of what `fit` is given; a condition is an
    input, not a target.

    Args:
      x: array, tensor or dataset, of TensorFlow or a `keras.utils.PyDataset`; or a pair of arrays.
      condition: array, tensor or None.
      check: called with `x` and the condition where they are arrays.
      sample_weight: None, or one for each example.
    """
    x, condition = separate(x, condition)
    if isinstance(x, DATASETS):
        for what, given in (("y", condition), ("sample_weight", sample_weight)):
            if given is not None:
                raise ValueError(
                    "With a dataset, conditions and weights come in it: (x, condition, weight). "
                    f"Received: {what} as well."
                )
        return {"x": map_data(x) if isinstance(x, tf.data.Dataset) else PackedPyDataset(x, _inputs)}
    check(x, condition)
    packed = {"x": x if condition is None else (x, condition)}
    if sample_weight is None:
        return packed
    weight = _checked_weight(sample_weight, len(x))
    # Keras forgets the weights of what has no target; this one is not looked at.
    return packed | {"y": weight, "sample_weight": weight}


def map_data(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """A dataset of `x`, of `(x, condition)` or of `(x, condition, weight)`, as Keras takes it.

    With weights alone, the condition is None.
    """
    check_spec(dataset)
    dataset = sharded(dataset)
    if not isinstance(dataset.element_spec, tuple):
        return dataset
    return dataset.map(_inputs)


def _inputs(x, *condition_and_weight):
    if not condition_and_weight:
        return (x,)
    condition, *weight = condition_and_weight
    return x if condition is None else (x, condition), *(weight * 2)


def has_rows(x: Data) -> bool:
    """Whether arrays as `pack` gives them have rows; of a dataset this is not asked."""
    return isinstance(x, DATASETS) or len(parts(x)[0]) > 0


def separate(x: Any, condition: TensorLike | None = None) -> tuple:
    """`(x, condition)`, of which a pair may have come in the place of x.

    Raises:
      ValueError: there are two conditions; or x is neither an array, nor arrays, nor a dataset.
    """
    if x is None:
        raise ValueError(
            "`x` should be data, or a dataset of them, but for a `fit` after "
            "`compile(target_log_prob=...)`. Received: x=None."
        )
    is_pair = isinstance(x, (list, tuple))
    given = [part for part in parts(x) if part is not None]
    if not isinstance(x, DATASETS) and not all(hasattr(part, "__array__") for part in given):
        what = [type(part).__name__ for part in given][:3]
        raise ValueError(
            "`x` should be an array, a `tf.data.Dataset` (of a generator, by "
            "`tf.data.Dataset.from_generator`) or a `keras.utils.PyDataset`. "
            f"Received: {f'{type(x).__name__} of {what}' if is_pair else what[0]}."
        )
    if is_pair and condition is not None:
        raise ValueError(
            "`x` should be an array where a condition is given. Received: several arrays."
        )
    if condition is not None and (np.ndim(condition) == 0 or not hasattr(condition, "__array__")):
        condition = np.atleast_1d(condition)  # a list, which Keras would take for several inputs
    return data_and_condition(x) if is_pair else (x, condition)


def _checked_weight(sample_weight, rows):
    weight = np.asarray(sample_weight)
    if weight.shape not in ((rows,), (rows, 1)) or not is_real(weight.dtype):
        raise ValueError(
            f"`sample_weight` should be a number for each of {rows} examples. "
            f"Received: shape {weight.shape}, dtype {weight.dtype}."
        )
    if not np.isfinite(weight).all():
        raise ValueError("`sample_weight` should be without NaN or infinity.")
    return weight
