"""The matrix that an invertible linear layer starts from."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf


def initial_matrix(
    initializer: keras.initializers.Initializer, seed: int | None, size: int, dtype: str
) -> np.ndarray:
    """An invertible `[size, size]` matrix in float64.

    Args:
      initializer: a Keras initializer.
      seed: its seed, in place of its own; None: its own.
      size: rows and columns.
      dtype: what the initializer computes in.

    Raises:
      ValueError: what the initializer gives is singular.

    >>> initial_matrix(keras.initializers.get("identity"), None, 2, "float32").tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if seed is not None and "seed" in getattr(initializer, "get_config", dict)():
        initializer = type(initializer)(**initializer.get_config() | {"seed": seed})
    # Lifted out of any graph that the layer is built in, since the values are needed now.
    with tf.init_scope():
        matrix = initializer((size, size), dtype=dtype)
        matrix = keras.ops.convert_to_numpy(matrix).astype("float64")
    if np.linalg.matrix_rank(matrix) < size:
        raise ValueError(
            "`kernel_initializer` should give an invertible matrix. "
            f"Received: kernel_initializer={initializer}."
        )
    return matrix
