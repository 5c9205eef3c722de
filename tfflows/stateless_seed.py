"""What a `seed` argument means."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfflows.data_types import TensorLike
from tfflows.replicas import own_seed


def stateless_seed(seed: TensorLike | None, generator: keras.random.SeedGenerator) -> tf.Tensor:
    """The pair of int32, or the pairs, that TensorFlow's stateless random numbers start from.

    Args:
      seed: a pair of int32; an int, which stands for `[0, seed]`; `[batch, 2]`, a pair for each
        row, whose noise then depends on nothing else (`stateless_noise`); or None, for a new pair
        at each call, in a graph too, and on each replica.
      generator: where new pairs come from.

    >>> stateless_seed(7, generator=None).numpy().tolist()
    [0, 7]
    """
    if seed is None:
        return own_seed(tf.cast(generator.next(), tf.int32))
    if not tf.is_tensor(seed):
        seed = np.asarray(seed)
    shape = tf.TensorShape(seed.shape)
    is_int = np.issubdtype(getattr(seed.dtype, "as_numpy_dtype", seed.dtype), np.integer)
    value = tf.get_static_value(seed) if tf.is_tensor(seed) else seed
    if is_int and value is not None:
        is_int = bool((np.abs(np.asarray(value, "float64")) < 2**31).all())
    known = shape.rank == 0 or any(shape.is_compatible_with(s) for s in ([2], [None, 2]))
    if not is_int or not known:
        raise ValueError(
            "`seed` should be None, an int, a pair of int32, or a pair for each row. "
            f"Received: seed={seed}."
        )
    seed = tf.cast(seed, tf.int32)
    return tf.stack([0, seed]) if seed.shape.rank == 0 else seed


def fold_in(seed: tf.Tensor, data: int | tf.Tensor) -> tf.Tensor:
    """A new seed of the same shape, a pair or pairs, from one and a number."""
    fold = tf.random.experimental.stateless_fold_in
    if seed.shape.rank == 1:
        return fold(seed, data)
    return tf.map_fn(lambda pair: fold(pair, data), seed)
