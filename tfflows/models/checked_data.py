"""What a model of a density refuses of the data and the arguments that it is given."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tfflows.as_tensor import as_tensor
from tfflows.bijector_layer import shape_text
from tfflows.data_types import TensorLike
from tfflows.flow_dtype import flow_dtype
from tfflows.named import named

if TYPE_CHECKING:
    from tfflows.models.density_model import DensityModel


def check_data(model: DensityModel, x: TensorLike, condition: TensorLike | None = None) -> None:
    """Raises a ValueError for data the model cannot take: shape, NaN, condition, labels.

    Args:
      model: a `DensityModel`, built or not.
      x: data, `[n, ...]`.
      condition: its conditions, `[n, ...]`, or None.
    """
    where = named(model)
    shape = tuple(np.shape(x))
    if model.built:
        check_event_shape(model, shape)
    check_values(model, x)
    if condition is None:
        if model.built and model.condition_shape is not None:
            what = "labels" if model.num_classes else f"vectors {shape_text(model.condition_shape)}"
            raise ValueError(f"{where} expected a condition: {what}. Received: None.")
        return
    if model.built and model.condition_shape is None:
        raise ValueError(
            f"{where} was built without a condition. "
            f"Received: a condition of shape {tuple(np.shape(condition))}."
        )
    check_rows(model, shape[0], len(np.atleast_1d(condition)))
    if model.num_classes is not None:
        check_labels(model, condition)
        return
    if model.built:
        check_vectors_shape(model, np.shape(condition))
    check_finite(model, "condition", condition)


def check_event_shape(
    model: DensityModel, shape: tuple | tf.TensorShape, event_shape: tuple | None = None
) -> None:
    """Raises a ValueError for data of other shapes than the model was built with.

    Args:
      model: a built `DensityModel`.
      shape: that of the data, the batch first.
      event_shape: what it is to be, less the batch, where that is not just what the model was built
        with; None in it stands for any size.
    """
    event_shape = model.event_shape if event_shape is None else event_shape
    if not tf.TensorShape(shape)[1:].is_compatible_with(event_shape):
        raise ValueError(
            f"{named(model)} expected x of shape {shape_text(event_shape)}. "
            f"Received: shape {tuple(shape)}."
        )


def check_vectors_shape(model: DensityModel, shape: tuple | tf.TensorShape) -> None:
    """Raises a ValueError for vectors of other shapes than the model was built with."""
    if not tf.TensorShape(shape)[1:].is_compatible_with(model.condition_shape):
        raise ValueError(
            f"{named(model)} expected conditions of shape "
            f"{shape_text(model.condition_shape)}. Received: shape {tuple(shape)}."
        )


def check_rows(model: DensityModel, examples: int | None, conditions: int | None) -> None:
    """Raises a ValueError unless there are as many conditions as examples; None: not known."""
    if None not in (examples, conditions) and examples != conditions:
        cure = " One for all is repeated (`tf.repeat`) first." if conditions == 1 else ""
        raise ValueError(
            f"{named(model)} expected a condition for each example. "
            f"Received: {examples} examples and {conditions} conditions.{cure}"
        )


def check_importance_samples(model: DensityModel, count: int) -> None:
    """Raises a ValueError for a `num_importance_samples` that the model cannot take."""
    if not _is_whole(count, 1):
        raise ValueError(
            "`num_importance_samples` should be a whole number, 1 or more. "
            f"Received: num_importance_samples={count}."
        )
    if count > 1 and model.likelihood == "exact":
        raise ValueError(
            f"{named(model)} computes the likelihood itself, not "
            "a bound that samples could tighten: `num_importance_samples` should be 1. "
            f"Received: num_importance_samples={count}."
        )


def check_count(n: int | tf.Tensor) -> None:
    """Raises a ValueError for a number of samples that is none."""
    count = tf.get_static_value(n) if tf.is_tensor(n) else n
    if count is None and tf.is_tensor(n) and n.shape.rank == 0 and n.dtype.is_integer:
        return  # known when the graph is run
    if not _is_whole(count, 0):
        raise ValueError(f"`n` should be a whole number, 0 or more. Received: n={n}.")


def check_temperature(temperature: TensorLike) -> None:
    """Raises a ValueError for no finite `temperature` from 0; a tensor is taken as it is."""
    if tf.is_tensor(temperature):
        return
    given = _numbers(temperature)
    if not ((given >= 0) & np.isfinite(given)).all():
        raise ValueError(f"`temperature` should be a number, 0 or more. Received: {temperature}.")


def _is_whole(value, low):
    """Whether it is one whole number, `low` or more."""
    given = _numbers(value)
    return given.ndim == 0 and given >= low and given % 1 == 0


def _numbers(value):
    """As an array; of what is no number, NaN."""
    try:
        return np.asarray(value, "float64")
    except (TypeError, ValueError):
        return np.asarray(np.nan)


def check_values(model: DensityModel, x: TensorLike) -> None:
    """Raises a ValueError for data with NaN or infinity, or, of integers, with other values."""
    check_finite(model, "x", x)
    if model.num_values is None:
        return
    values = np.asarray(x)
    is_value = _is_value(model, values)
    if not is_value.all():
        raise ValueError(f"{_expected_values(model)} Received: {values[~is_value][0]}.")


def only_values(model: DensityModel, x: tf.Tensor) -> tf.Tensor:
    """Data in a graph, where those of pixels with other values than pixels have stop it.

    XLA drops what stops it; such values are NaN then, and so is what is computed from them.
    """
    dtype = tf.as_dtype(x.dtype)
    if model.num_values is None or dtype.is_bool:
        return x
    if dtype.min >= 0 and dtype.max < model.num_values:
        return x
    x = tf.cast(x, flow_dtype(model))
    is_value = _is_value(model, x)
    message = f"{_expected_values(model)} Received:"
    check = tf.debugging.Assert(tf.reduce_all(is_value), [message, x[~is_value][:3]])
    with tf.control_dependencies([check] if check is not None else []):
        return tf.where(is_value, x, math.nan)


def _is_value(model, x):
    """Where an array or a tensor has a value of the data."""
    return (x >= 0) & (x < model.num_values) & (x == x // 1)


def _expected_values(model):
    return f"{named(model)} expected x of integers from 0 to {model.num_values - 1}."


def check_labels(model: DensityModel, labels: TensorLike) -> None:
    """Raises a ValueError for labels that are none of the model's classes."""
    check_labels_shape(model, np.shape(labels)[1:])
    labels = np.asarray(labels)
    check_real(model, "labels", labels.dtype)
    is_good = (labels >= 0) & (labels < model.num_classes) & (labels == np.floor(labels))
    if not is_good.all():
        raise ValueError(
            f"{named(model)} expected labels from 0 to {model.num_classes - 1}. "
            f"Received: {labels[~is_good][0]}."
        )


def check_labels_shape(model: DensityModel, shape: tuple | tf.TensorShape) -> None:
    """Raises a ValueError for labels whose shape, less the batch, is that of vectors."""
    if tuple(shape) not in ((), (1,)):
        raise ValueError(
            f"{named(model)} expected labels of shape [batch]. Received: {shape_text(shape)}."
        )


def check_real(model: DensityModel, what: str, dtype: tf.DType | np.dtype) -> None:
    """Raises a ValueError for the dtype of what are no real numbers: complex, strings, objects."""
    if not is_real(dtype):
        raise ValueError(
            f"{named(model)} expected {what} of real numbers. Received: dtype {dtype.name}."
        )


def is_real(dtype: tf.DType | np.dtype) -> bool:
    """Whether it is a dtype of real numbers, truth values among them."""
    try:
        dtype = tf.as_dtype(dtype)
    except TypeError:  # TensorFlow has none such
        return False
    return dtype.is_floating or dtype.is_integer or dtype.is_bool


def real_tensor(model: DensityModel, what: str, values: TensorLike) -> tf.Tensor:
    """Values as a tensor; ValueError for other than real numbers, of arrays for NaN or infinity."""
    if not tf.is_tensor(values):
        check_finite(model, what, values)
    values = as_tensor(values)
    check_real(model, what, values.dtype)
    return values


def check_finite(model: DensityModel, what: str, values: TensorLike) -> None:
    """Raises a ValueError for what are no numbers, NaN or infinity, with the first such row."""
    values = np.asarray(values)
    check_real(model, what, values.dtype)
    if tf.as_dtype(values.dtype).is_floating and not np.isfinite(values).all():
        rows = values.reshape(len(values) if values.ndim else 1, -1)
        bad = int(np.argmax(~np.isfinite(rows).all(1)))
        raise ValueError(
            f"{named(model)} expected {what} without NaN or infinity. Received: row {bad}."
        )
