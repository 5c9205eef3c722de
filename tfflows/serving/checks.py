"""What an endpoint refuses, in its graph: a server has nothing else to check by."""

from __future__ import annotations

import math

import tensorflow as tf

MAX_VALUES = 2**21
MAX_ROWS = 2**16


def max_rows(event_shape: tuple) -> int:
    """How many examples one request may ask for: two million numbers, and 65,536 examples.

    >>> max_rows((5,)), max_rows((32, 32, 3))
    (65536, 682)
    """
    return max(1, min(MAX_ROWS, MAX_VALUES // math.prod(event_shape)))


def check(value: tf.Tensor, holds: tf.Tensor, message: str) -> tf.Tensor:
    """The value; running the graph fails with the message where something doesn't hold."""
    message = f"{message} Received:"
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(holds), [message, value])]):
        return tf.identity(value)


def check_finite(value: tf.Tensor, name: str) -> tf.Tensor:
    """The value, if there's neither NaN nor infinity in it."""
    return tf.debugging.check_numerics(value, f"`{name}` should be finite")


def check_between(value: tf.Tensor, low: float, high: float, name: str) -> tf.Tensor:
    """The value, if all of it is from `low` to `high`; NaN isn't."""
    return check(
        value, (value >= low) & (value <= high), f"`{name}` should be from {low} to {high}."
    )


def check_same_rows(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The inputs, if they have as many rows."""
    if len(inputs) < 2:
        return inputs
    rows = tf.stack([tf.shape(value)[0] for value in inputs.values()])
    names = ", ".join(f"`{name}`" for name in inputs)
    rows = check(rows, rows == rows[0], f"{names} should have the same number of rows.")
    with tf.control_dependencies([rows]):
        return {name: tf.identity(value) for name, value in inputs.items()}
