"""Bounded log-scales."""

from __future__ import annotations

import tensorflow as tf


def bounded(raw: tf.Tensor, bound: float) -> tf.Tensor:
    """`bound * tanh(raw / bound)`: between `-bound` and `bound`, and near `raw` around zero.

    >>> float(bounded(tf.constant(0.0), 5.0)), float(bounded(tf.constant(1e9), 5.0))
    (0.0, 5.0)
    """
    return bound * tf.tanh(raw / bound)
