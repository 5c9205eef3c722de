"""Permuting the last axis, with the cheap gradient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf


def permute_last_axis(x: tf.Tensor, permutation: Sequence[int] | np.ndarray) -> tf.Tensor:
    """`y[..., i] = x[..., permutation[i]]`.

    The gradient of a permutation is its inverse permutation; TensorFlow, which cannot know that
    the indices of a gather are one, would add up rows instead.

    Args:
      x: tensor `[..., D]`.
      permutation: the integers 0 to D-1 in any order.

    >>> permute_last_axis(tf.constant([[10, 20, 30]]), [2, 0, 1]).numpy()
    array([[30, 10, 20]], dtype=int32)
    """
    permutation = np.asarray(permutation)
    size = len(permutation)
    if np.array_equal(permutation, np.arange(size)):
        return x
    if np.array_equal(permutation, np.arange(size)[::-1]):
        return tf.reverse(x, [-1])

    @tf.custom_gradient
    def permute(x):
        def gradient(upstream):
            return permute_last_axis(upstream, np.argsort(permutation))

        return tf.gather(x, permutation, axis=-1), gradient

    return permute(x)
