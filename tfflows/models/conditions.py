"""What a density is conditioned on, from what a user gives to what layers take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tfflows.as_tensor import as_tensor
from tfflows.data_types import TensorLike
from tfflows.flow_dtype import flow_dtype
from tfflows.models.checked_data import (
    check_labels,
    check_labels_shape,
    check_vectors_shape,
    real_tensor,
)
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
        labels are none of the model's, vectors are not of real numbers, or those that are no
        tensor have NaN or infinity.
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
        return tf.cast(real_tensor(model, "condition", condition), flow_dtype(model))
    if tf.executing_eagerly():
        check_labels(model, np.atleast_1d(condition))
    condition = as_tensor(condition)
    if condition.shape.rank is not None:
        check_labels_shape(model, condition.shape[1:])
    given = tf.reshape(condition, [-1])
    labels = tf.cast(given, tf.int32)
    is_label = (
        (labels >= 0) & (labels < model.num_classes) & (tf.cast(labels, given.dtype) == given)
    )
    message = f"labels should be whole numbers from 0 to {model.num_classes - 1}"
    check = tf.debugging.assert_equal(is_label, True, message)
    with tf.control_dependencies([] if check is None else [check]):
        one_hot = tf.one_hot(labels, model.num_classes, dtype=flow_dtype(model))
    # XLA drops the check.
    return tf.where(is_label[:, tf.newaxis], one_hot, np.nan)


def repeat_condition(
    model: DensityModel, condition: TensorLike | None, n: int | tf.Tensor
) -> tf.Tensor | None:
    """The conditions of `n` samples, encoded: of one condition, or of as many."""
    if condition is None:
        return encode_condition(model, None)
    encoded = encode_condition(model, condition)
    if model.num_classes is None:
        if encoded.shape.rank == len(model.condition_shape):
            encoded = encoded[tf.newaxis]
        check_vectors_shape(model, encoded.shape)
    if encoded.shape[0] == 1:
        return tf.repeat(encoded, n, axis=0)
    count = tf.get_static_value(n)
    if None in (encoded.shape[0], count):
        message = "`condition` should be one condition, or as many as there are samples"
        given, n = tf.shape(encoded)[0], tf.cast(n, tf.int32)
        check = tf.debugging.assert_equal((given == 1) | (given == n), True, message)
        with tf.control_dependencies([] if check is None else [check]):
            return tf.gather(encoded, tf.minimum(tf.range(n), given - 1))
    if encoded.shape[0] != count:
        raise ValueError(
            f"`condition` should be one condition, or n={n} of them. Received: {encoded.shape[0]}."
        )
    return encoded
