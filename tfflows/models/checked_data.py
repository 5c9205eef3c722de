"""What a model of a density refuses of the data and the arguments that it is given."""

from __future__ import annotations

import numpy as np

from tfflows.bijector_layer import shape_text


def check_data(model, x, condition=None) -> None:
    """Raises a ValueError for data the model cannot take: shape, NaN, condition, labels.

    Args:
      model: a `DensityModel`, built or not.
      x: data, `[n, ...]`.
      condition: its conditions, `[n, ...]`, or None.
    """
    where = f"Model '{model.name}' ({type(model).__name__})"
    shape = tuple(np.shape(x))
    if model.built and shape[1:] != model.event_shape:
        raise ValueError(
            f"{where} expected x of shape {shape_text(model.event_shape)}. Received: shape {shape}."
        )
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
    if len(condition) != shape[0]:
        raise ValueError(
            f"{where} expected a condition for each example. "
            f"Received: {shape[0]} examples and {len(condition)} conditions."
        )
    if model.num_classes is not None:
        check_labels(model, condition)
        return
    shape = tuple(np.shape(condition)[1:])
    if model.built and shape != model.condition_shape:
        raise ValueError(
            f"{where} expected conditions of shape {shape_text(model.condition_shape)}. "
            f"Received: shape {shape_text(shape)}."
        )
    _check_finite(where, "condition", condition)


def check_importance_samples(model, count: int) -> None:
    """Raises a ValueError for a `num_importance_samples` that the model cannot take."""
    if np.ndim(count) or int(count) != count or count < 1:
        raise ValueError(
            "`num_importance_samples` should be a whole number, 1 or more. "
            f"Received: num_importance_samples={count}."
        )
    if count > 1 and model.likelihood == "exact":
        raise ValueError(
            f"Model '{model.name}' ({type(model).__name__}) computes the likelihood itself, not "
            "a bound that samples could tighten: `num_importance_samples` should be 1. "
            f"Received: num_importance_samples={count}."
        )


def check_values(model, x) -> None:
    """Raises a ValueError for data with NaN or infinity, or, of integers, with other values."""
    where = f"Model '{model.name}' ({type(model).__name__})"
    _check_finite(where, "x", x)
    if model.num_values is None:
        return
    values = np.asarray(x)
    is_good = (values >= 0) & (values < model.num_values)
    if values.dtype.kind == "f":
        is_good &= values == np.floor(values)
    if not is_good.all():
        raise ValueError(
            f"{where} expected x of integers from 0 to {model.num_values - 1}. "
            f"Received: {values[~is_good][0]}."
        )


def check_labels(model, labels) -> None:
    """Raises a ValueError for labels that are none of the model's classes."""
    check_labels_shape(model, np.shape(labels)[1:])
    labels = np.asarray(labels)
    is_good = (labels >= 0) & (labels < model.num_classes) & (labels == np.floor(labels))
    if not is_good.all():
        raise ValueError(
            f"Model '{model.name}' expected labels from 0 to {model.num_classes - 1}. "
            f"Received: {labels[~is_good][0]}."
        )


def check_labels_shape(model, shape) -> None:
    """Raises a ValueError for labels whose shape, less the batch, is that of vectors."""
    if tuple(shape) not in ((), (1,)):
        raise ValueError(
            f"Model '{model.name}' expected labels of shape [batch]. Received: {shape_text(shape)}."
        )


def _check_finite(where, what, values):
    values = np.asarray(values)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = int(np.argmax(~np.isfinite(values.reshape(len(values), -1)).all(1)))
        raise ValueError(f"{where} expected {what} without NaN or infinity. Received: row {bad}.")
