"""Products with a matrix that is zero above a staircase."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


class Staircase:
    """Multiplies by a masked matrix without multiplying its zeros.

    With both sides sorted by degree, `mask[i, j] = in_degrees[i] <= out_degrees[j]` is a
    staircase: the columns of a block see a prefix of the inputs only. Half of a square one is
    zero; with `num_blocks` blocks of columns, `(1 + 1 / num_blocks) / 2` of it is multiplied,
    forward and in both gradients.

    Args:
      in_degrees: sorted degrees of the rows.
      out_degrees: sorted degrees of the columns.
      num_blocks: blocks of columns (and, for the gradient, of rows).
      min_size: rows and columns from which on the matrix is cut; a small one is multiplied whole,
        which is faster.
    """

    def __init__(
        self,
        in_degrees: np.ndarray,
        out_degrees: np.ndarray,
        num_blocks: int = 4,
        min_size: int = 128,
    ):
        in_degrees, out_degrees = np.asarray(in_degrees), np.asarray(out_degrees)
        for name, degrees in (("in_degrees", in_degrees), ("out_degrees", out_degrees)):
            if (np.diff(degrees) < 0).any():
                raise ValueError(f"`{name}` should be sorted. Received: {name}={degrees.tolist()}.")
        self.in_degrees = in_degrees.astype("int32")
        self.out_degrees = out_degrees.astype("int32")
        self.is_small = min(len(in_degrees), len(out_degrees)) < min_size
        self.columns = [
            (a, b, int(np.searchsorted(in_degrees, out_degrees[b - 1], "right")))
            for a, b in blocks(len(out_degrees), num_blocks)
        ]
        self.rows = [
            (a, b, int(np.searchsorted(out_degrees, in_degrees[a], "left")))
            for a, b in blocks(len(in_degrees), num_blocks)
        ]

    def masked(self, matrix: tf.Tensor) -> tf.Tensor:
        """The matrix with zeros above the staircase."""
        return self._masked(matrix, slice(None), slice(None))

    def dense(self, x: tf.Tensor, matrix: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
        """`x @ masked(matrix) + bias`, for `x` `[batch, rows]`."""
        if self.is_small:
            return tf.nn.bias_add(tf.matmul(x, self.masked(matrix)), bias)

        @tf.custom_gradient
        def product(x, matrix, bias):
            def gradient(upstream):
                return (
                    self._matmul_transposed(upstream, matrix),
                    self._outer(x, upstream),
                    tf.reduce_sum(upstream, 0),
                )

            return self._dense(x, matrix, bias), gradient

        return product(x, matrix, bias)

    def _masked(self, block, rows, columns):
        # Compared in the graph: as constants, the masks would outweigh the weights in a SavedModel.
        columns = tf.constant(self.out_degrees[columns])
        mask = tf.constant(self.in_degrees[rows])[:, tf.newaxis] <= columns
        return block * tf.cast(mask, block.dtype)

    def _block(self, matrix, rows, columns):
        return self._masked(matrix[rows, columns], rows, columns)

    def _dense(self, x, matrix, bias):
        # A bias for each block: TensorFlow adds it within the product.
        return tf.concat(
            [
                tf.nn.bias_add(
                    tf.matmul(x[:, :end], self._block(matrix, slice(end), slice(a, b))), bias[a:b]
                )
                for a, b, end in self.columns
            ],
            1,
        )

    def _matmul_transposed(self, y, matrix):
        return tf.concat(
            [
                tf.matmul(
                    y[:, start:],
                    self._block(matrix, slice(a, b), slice(start, None)),
                    transpose_b=True,
                )
                for a, b, start in self.rows
            ],
            1,
        )

    def _outer(self, x, y):
        return tf.concat([self._outer_block(x, y, *column) for column in self.columns], 1)

    def _outer_block(self, x, y, a, b, end):
        product = tf.matmul(x[:, :end], y[:, a:b], transpose_a=True)
        # Only the rows that not all of the columns see have something to be masked.
        seen = int(np.searchsorted(self.in_degrees, self.out_degrees[a], "right"))
        masked = self._masked(product[seen:], slice(seen, end), slice(a, b))
        zeros = tf.zeros([len(self.in_degrees) - end, b - a], product.dtype)
        return tf.concat([product[:seen], masked, zeros], 0)


def blocks(size: int, count: int) -> list[tuple[int, int]]:
    """Where each of `count` blocks of about one size begins and ends; fewer, if `size` is less."""
    cuts = np.unique(np.linspace(0, size, count + 1).round().astype(int))
    return list(zip(cuts[:-1].tolist(), cuts[1:].tolist()))
