"""A loop whose steps are counted, one after another."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def loop(count: int | tf.Tensor, body: Callable, *state, start: int | tf.Tensor = 0) -> tuple:
    """What `body(i, *state) -> (i + 1, *state)` makes of the state, for i from `start` to `count`.

    >>> i, total = loop(4, lambda i, total: (i + 1, total + i), 0)
    >>> int(i), int(total)
    (4, 6)
    """
    return tf.while_loop(
        lambda i, *_: i < count,
        body,
        (start, *state),  # no list: without a graph it should be what `body` returns
        maximum_iterations=count,
        parallel_iterations=1,
    )
