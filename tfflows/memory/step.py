"""A layer as one of several that are run one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf


class Step(NamedTuple):
    """A layer in one direction, and its inverse: `value -> (value, log_det)`.

    `apply` and `undo` take the value and, with `uses_condition`, the condition if there is one.
    The layers that can use one are those with a network.
    """

    apply: Callable
    undo: Callable
    uses_condition: bool = False

    def arguments(self, value: tf.Tensor, condition: tf.Tensor | None) -> tuple:
        """What `apply` and `undo` are called with."""
        given = self.uses_condition and condition is not None
        return (value, condition) if given else (value,)

    def reversed(self) -> Step:
        return self._replace(apply=self.undo, undo=self.apply)


def run(
    steps: Sequence[Step], value: tf.Tensor, condition: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """The steps one after another: the last value and the sum of the log-determinants.

    >>> double = Step(lambda x: (2 * x, tf.math.log([2.0, 2.0])), lambda z: (z / 2, None))
    >>> value, log_det = run([double, double], tf.ones([2, 1]))
    >>> float(value[0, 0]), round(float(log_det[0]), 4)
    (4.0, 1.3863)
    """
    total = tf.zeros(tf.shape(value)[:1], value.dtype)
    for step in steps:
        value, log_det = step.apply(*step.arguments(value, condition))
        total = total + log_det
    return value, total
