"""A batch in parts that the cores of a processor can work on side by side."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from tfflows.layers import BatchNormalization
from tfflows.models.checked_data import check_rows
from tfflows.named import named

if TYPE_CHECKING:
    from tfflows.models.density_model import DensityModel


def in_parts(
    function: Callable, num_parts: int, x: tf.Tensor, condition: tf.Tensor | None
) -> tf.Tensor:
    """`function(x, condition)` of each part of the rows, and the results as those of one batch.

    In a graph nothing makes one part wait for another, so that TensorFlow runs them at once, each
    on a core. A product of matrices of a flow is often too small to be divided among cores.

    Args:
      function: of `x` and `condition`, one result for each row, whatever the others are.
      num_parts: how many parts, whose sizes differ by one at most.
      x, condition: `[batch, ...]`; the condition may be None.

    >>> in_parts(lambda x, condition: 10 * x, 2, tf.range(5), None).numpy().tolist()
    [0, 10, 20, 30, 40]
    """
    if num_parts == 1:
        return function(x, condition)
    conditions = [None] * num_parts if condition is None else _split(condition, num_parts)
    return tf.concat([*map(function, _split(x, num_parts), conditions)], 0)


def check_parts(
    model: DensityModel, x: tf.Tensor, condition: tf.Tensor | None, training: bool | None
) -> None:
    """Raises a ValueError if parts would be of other numbers, or train what a batch does not."""
    if condition is not None:  # a part would tell of its own number
        check_rows(model, x.shape[0], _at_least_vector(condition).shape[0])
    types = BatchNormalization, keras.layers.BatchNormalization
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, types)]
    moved = [layer for layer in layers if training and layer.trainable]
    if moved:
        raise ValueError(
            f"{named(model)} cannot be trained with batch_parts={model.batch_parts}: it normalizes "
            "batches by their own statistics, and those of parts are others. "
            f"Received: a model with {named(moved[0])}."
        )


def check_losses(model: DensityModel) -> None:
    """Raises a ValueError if layers have added losses, each for every part."""
    adding = [layer for layer in model._flatten_layers() if layer._get_own_losses()]
    if adding:
        raise ValueError(
            f"{named(model)} cannot have batch_parts={model.batch_parts}: layers would add their "
            "losses once for each part. Activity regularizers and `add_loss` need batch_parts=1. "
            f"Received: a model with {named(adding[0])}."
        )


def _split(rows, num_parts):
    rows = _at_least_vector(rows)
    n = tf.shape(rows)[0] if rows.shape[0] is None else rows.shape[0]
    bounds = [n * i // num_parts for i in range(num_parts + 1)]
    return [rows[start:stop] for start, stop in itertools.pairwise(bounds)]


def _at_least_vector(rows):
    """A number is the condition of one example."""
    return rows[tf.newaxis] if rows.shape.rank == 0 else rows
