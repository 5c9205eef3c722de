"""What the workers of one training tell each other."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tfflows.replicas import is_multi_worker

LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)
"""What TensorFlow raises when a worker cannot be reached."""


class WorkerLost(ConnectionError):
    """Another worker of the training has stopped."""


@contextlib.contextmanager
def watched(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Says what to do where a worker is lost within.

    Raises:
        WorkerLost: in place of TensorFlow's errors.
    """
    try:
        yield
    except LOST as error:
        if not is_multi_worker(strategy):
            raise
        raise WorkerLost(
            "Another worker has stopped, or cannot be reached, and none can go on alone. Start all "
            "workers again by the same command: they go on after the last epoch that was saved. "
            f"(TensorFlow: {type(error).__name__}: {str(error)[:200]})"
        ) from error


def check_agreement(strategy: tf.distribute.Strategy, epoch: int, where) -> None:
    """Checks that all workers go on after the same epoch.

    Raises:
        ValueError: they do not.
    """
    epochs = _of_all(strategy, epoch)
    if len(set(epochs)) > 1:
        raise ValueError(
            f"The workers should go on after the same epoch, from {where}, which all have to see: "
            f"put it on a file system that they share (--runs). Received: epochs {epochs}."
        )


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Returns when all workers have come here."""
    _of_all(strategy, 0)


def _of_all(strategy, number):
    """The numbers of all workers."""
    if not is_multi_worker(strategy):
        return [number]
    values = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant([number])
    )
    return np.array(strategy.gather(values, axis=0)).tolist()
