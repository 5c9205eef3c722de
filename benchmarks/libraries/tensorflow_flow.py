"""What the TensorFlow libraries share: batches and seeds as they come to a compiled function."""

import itertools
from collections.abc import Callable

import numpy as np
import tensorflow as tf


def next_batch(data: np.ndarray) -> Callable[[], tf.Tensor]:
    """A function that gives the next batch of ``data``, ready as a tensor."""
    batches = itertools.cycle([tf.constant(x) for x in data])
    return lambda: next(batches)


def stateless_seeds() -> Callable[[], tf.Tensor]:
    """A function that gives a new seed each time."""
    counter = itertools.count()
    return lambda: tf.constant([0, next(counter)], tf.int32)
