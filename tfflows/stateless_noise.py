"""Noise of one seed, or of one for each row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf


def stateless_noise(
    draw: Callable, shape: Sequence, seed: tf.Tensor, axis: int = 0, dtype: tf.DType = tf.float32
) -> tf.Tensor:
    """Random numbers of `shape`, by a seed of all, or by as many as there are rows.

    The noise of a row that has a seed of its own is the same whichever batch it is in, which is
    what a server needs that puts the rows of several requests into one batch.

    Args:
      draw: `(shape, seed, dtype=) -> noise`, such as `tf.random.stateless_normal`.
      shape: of the noise; a list, or a tensor.
      seed: a pair of int32, or pairs `[n, 2]`; `[1, 2]` gives all rows the same noise.
      axis: where the rows are.
      dtype: of the noise.

    >>> seeds = tf.constant([[0, 1], [0, 2]])
    >>> noise = stateless_noise(tf.random.stateless_normal, [2, 3], seeds)
    >>> alone = stateless_noise(tf.random.stateless_normal, [1, 3], seeds[1:])
    >>> bool(tf.reduce_all(noise[1] == alone[0]))
    True
    """
    if seed.shape.rank == 1:
        return draw(shape, seed, dtype=dtype)
    shape = tf.convert_to_tensor(shape)
    row = tf.concat([shape[:axis], shape[axis + 1 :]], 0)
    if seed.shape[0] == 1:
        rows = draw(row, seed[0], dtype=dtype)[tf.newaxis]
    else:
        rows = tf.map_fn(lambda s: draw(row, s, dtype=dtype), seed, fn_output_signature=dtype)
    order = [*range(1, axis + 1), 0, *range(axis + 1, shape.shape[0])]
    return tf.broadcast_to(tf.transpose(rows, order), shape)
