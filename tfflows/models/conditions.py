"""What a density is conditioned on, from what a user gives to what layers take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tfflows.data_types import TensorLike
from tfflows.flow_dtype import flow_dtype
from tfflows.models.checked_data import check_finite, check_labels
from tfflows.named import named

if TYPE_CHECKING:
    from tfflows.models.density_model import DensityModel


def encode_condition(model: DensityModel, condition: TensorLike | None) -> tf.Tensor | None:
    """Conditions as the layers take them: vectors and one-hot labels, in the dtype of the flow.

    Args:
      model: a built `DensityModel`.
      condition: vectors `[batch, C]`, labels `[batch]`, or None.

    Raises:
      ValueError: the model was built with a condition and there is none, or the other way round;
        labels are none of the model's, or vectors that are no tensor have NaN or infinity.
    """
    if condition is None:
        if model.condition_shape is not None:
            model.check_data(np.zeros((1, *model.event_shape)), None)
        return None
    if model.condition_shape is None:
        raise ValueError(
            f"{named(model)} was built without a condition. "
            f"Received: a condition of shape {tuple(np.shape(condition))}."
        )
    if model.num_classes is None:
        if not tf.is_tensor(condition):
            check_finite(model, "condition", condition)
        return tf.cast(condition, flow_dtype(model))
    if tf.executing_eagerly():
        check_labels(model, np.atleast_1d(condition))
    labels = tf.reshape(tf.cast(condition, tf.int32), [-1])
    message = f"labels should be from 0 to {model.num_classes - 1}"
    checks = [
        tf.debugging.assert_non_negative(labels, message),
        tf.debugging.assert_less(labels, model.num_classes, message),
    ]
    with tf.control_dependencies([c for c in checks if c is not None]):
        one_hot = tf.one_hot(labels, model.num_classes, dtype=flow_dtype(model))
    # XLA drops the checks.
    is_label = (labels >= 0) & (labels < model.num_classes)
    return tf.where(is_label[:, tf.newaxis], one_hot, np.nan)


def repeat_condition(
    model: DensityModel, condition: TensorLike | None, n: int | tf.Tensor
) -> tf.Tensor | None:
    """The conditions of `n` samples, encoded: of one condition, or of as many."""
    if condition is None:
        return encode_condition(model, None)
    encoded = encode_condition(model, condition)
    if encoded.shape.rank == len(model.condition_shape) and model.num_classes is None:
        encoded = encoded[tf.newaxis]
    if encoded.shape[0] == 1:
        return tf.repeat(encoded, n, axis=0)
    count = tf.get_static_value(n)
    if None in (encoded.shape[0], count):
        message = "`condition` should be one condition, or as many as there are samples"
        equal = tf.debugging.assert_equal(tf.shape(encoded)[0], n, message)
        with tf.control_dependencies([equal]):
            return tf.identity(encoded)
    if encoded.shape[0] != count:
        raise ValueError(
            f"`condition` should be one condition, or n={n} of them. Received: {encoded.shape[0]}."
        )
    return encoded
