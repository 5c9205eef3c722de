"""A masked layer, laid out for computing its units a degree at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfflows.networks.masked_dense import MaskedDense


class PackedLayer:
    """The units of a `MaskedDense` by degree, each degree padded to the same number.

    Degrees come in groups of equal size. Of the inputs, in the same layout, those of earlier
    groups act on a whole group at once, those of the group itself one degree after another.

    Args:
      layer: a built `MaskedDense`.
      grid: number of groups, and of degrees in each; together not fewer than there are.
      dtype: dtype to compute in.
      is_first: whether the inputs are those of the network, whose degrees count from 1.
    """

    def __init__(self, layer: MaskedDense, grid: tuple[int, int], dtype: tf.DType, is_first: bool):
        rows, self.inputs = _by_degree(layer.in_degrees, grid, is_first)
        self.index, self.units = _by_degree(layer.out_degrees, grid)
        kernel = tf.pad(tf.cast(layer.masked_kernel(), dtype), [[0, 1], [0, 1]])
        kernel = tf.gather(tf.transpose(tf.gather(kernel, rows.ravel())), self.index.ravel())
        groups, size = grid
        kernel = tf.reshape(kernel, [groups, size * self.units, groups, size * self.inputs])
        self.within = tf.gather(kernel, np.arange(groups), axis=2, batch_dims=1)
        self.kernel = tf.reshape(kernel, [groups, size * self.units, -1])
        self.bias = self.pack(tf.cast(layer.bias, dtype)[:, tf.newaxis])

    def stage(self, first: int, last: int, known: tf.Tensor) -> Callable:
        """The function that gives the units of the groups from `first` to before `last`.

        Args:
          first, last: the groups.
          known: the inputs of all earlier groups, `[first * size * inputs, n]`.

        Returns:
          `group(k, recent) -> units_of`, where group `first + k` is meant, and `recent` are the
          inputs of this stage, `[last - first, size * inputs, n]`, of which those of that group and
          of later ones must be zero. And `units_of(step, found) -> [units, n]`: the units of degree
          number `step` of the group, given the list of those inputs of the group that they may see,
          `[inputs, n]` each.
        """
        rows, end = known.shape[0], last * self.within.shape[-1]
        kernel, bias, within = (x[first:last] for x in (self.kernel, self.bias, self.within))
        groups, size, units = self.index[first:last].shape
        base = bias
        if rows:
            flat = tf.reshape(kernel[..., :rows], [groups * size * units, rows])
            base += tf.reshape(tf.matmul(flat, known), [groups, size, units, -1])
        kernel = kernel[..., rows:end]

        def group(k, recent):
            # Gathered, not indexed: each index by a tensor takes three operations.
            ours = tf.matmul(tf.gather(kernel, k), tf.reshape(recent, [end - rows, -1]))
            ours = tf.unstack(tf.gather(base, k) + tf.reshape(ours, [size, units, -1]))
            steps = tf.unstack(tf.reshape(tf.gather(within, k), [size, units, -1]))

            def units_of(step, found):
                if not found:
                    return ours[step]
                seen = steps[step][:, : len(found) * self.inputs]
                return ours[step] + tf.matmul(seen, tf.concat(found, 0))

            return units_of

        return group

    def pack(self, values: tf.Tensor) -> tf.Tensor:
        """Values `[units, n]` in the packed layout `[groups, size, units of a degree, n]`."""
        padded = tf.pad(values, [[0, 1], [0, 0]])
        packed = tf.gather(padded, self.index.ravel())
        return tf.reshape(packed, [*self.index.shape, -1])


def _by_degree(degrees, grid, from_one=False):
    """Indices `[groups, size, units]` of the units of each degree, and how many a degree has.

    Those that a degree has too few of, and degrees that there are not, get one past the last.
    """
    members = [np.flatnonzero(degrees == d + int(from_one)) for d in range(np.prod(grid))]
    units = max(len(m) for m in members)
    index = np.full([len(members), units], len(degrees))
    for row, m in zip(index, members):
        row[: len(m)] = m
    return index.reshape(*grid, units), units
