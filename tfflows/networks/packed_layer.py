"""A masked layer, laid out for computing its units a degree at a time."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


class PackedLayer:
    """The units of a `MaskedDense` gathered by degree, each degree padded to the same number.

    `layer(s, inputs)` gives the units of degree `s`, `[units, batch]`, from all inputs in the
    packed layout, `[D, units of the layer before, batch]` (or `[D, batch]`), of which those not
    yet known may hold anything finite: the mask has zeros there.

    Args:
      layer: a built `MaskedDense`.
      dim: number of degrees D.
      dtype: dtype to compute in.
      is_first: whether the inputs are those of the network, whose degrees count from 1.
    """

    def __init__(self, layer, dim: int, dtype, is_first: bool):
        inputs, _ = _by_degree(layer.in_degrees, dim, is_first)
        self.index, self.units = _by_degree(layer.out_degrees, dim)
        kernel = tf.pad(tf.cast(layer.masked_kernel(), dtype), [[0, 1], [0, 1]])
        kernel = tf.gather(tf.gather(kernel, inputs.ravel()), self.index.ravel(), axis=1)
        self.kernel = tf.reshape(tf.transpose(kernel), [dim, self.units, -1])
        self.bias = self.pack(tf.cast(layer.bias, dtype)[:, tf.newaxis])

    def __call__(self, step, inputs):
        flat = tf.reshape(inputs, [self.kernel.shape[-1], -1])
        return tf.matmul(self.kernel[step], flat) + self.bias[step]

    def pack(self, values):
        """Values `[units, n]` in the packed layout `[D, units of a degree, n]`."""
        padded = tf.pad(values, [[0, 1], [0, 0]])
        packed = tf.gather(padded, self.index.ravel())
        return tf.reshape(packed, [*self.index.shape, -1])


def _by_degree(degrees, dim, from_one=False):
    """Indices `[D, units]` of the units of each degree, padded with one past the last."""
    members = [np.flatnonzero(degrees == d + int(from_one)) for d in range(dim)]
    units = max(len(m) for m in members)
    index = np.full([dim, units], len(degrees))
    for row, m in zip(index, members):
        row[: len(m)] = m
    return index, units
