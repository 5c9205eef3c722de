"""The inverse of an autoregressive network, one input after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tfflows.networks.packed_layer import PackedLayer
from tfflows.networks.staircase import blocks

STAGES = 2
"""Loops over groups. More are faster, and a larger graph: 3 by some 5 %, 6 by 15 %."""


def solve_by_degree(
    layers: Sequence[PackedLayer],
    wire: Callable,
    invert: Callable,
    z: tf.Tensor,
    shift: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Solves for `x`, where the parameters of `x_i` are those that a network gives for `x_<i`.

    A step finds the units of one degree, from those of degrees before, which are kept: together
    the steps cost about as much as one pass of the network. Steps go in groups, and groups in
    stages: what the units of earlier stages give to all those of a stage is one product, and so is
    what earlier groups of the stage give to those of a group.

    Args:
      layers: of the network, the first one first.
      wire: `(apply, x, shift) -> parameters`, how the network is wired, given what applies layer
        `i`: `apply(i, inputs)`.
      invert: `(z_i [n], parameters [n, num_parameters]) -> (x_i, log_det)`.
      z: `[D, n]`, in the order of the factorization.
      shift: what is added to the first layer, packed by it; or None.

    Returns:
      `(x [D, n], log_det [n])`.
    """
    (groups, size, _), dim = layers[0].index.shape, z.shape[0]
    z = tf.reshape(tf.pad(z, [[0, groups * size - dim], [0, 0]]), [groups, size, -1])
    batch = tf.shape(z)[-1]
    exists = np.arange(groups * size).reshape(groups, size) < dim
    log_det = tf.zeros([batch], z.dtype)
    known = [tf.zeros([0, batch], z.dtype) for _ in layers]
    for first, last in blocks(groups, STAGES):
        stage = slice(first, last)
        functions = [layer.stage(first, last, units) for layer, units in zip(layers, known)]
        step = _step(wire, invert, z[stage], None if shift is None else shift[stage])
        found, log_det = _solve_stage(layers, functions, step, exists[stage], log_det)
        known = [tf.concat([old, new], 0) for old, new in zip(known, found)]
    return known[0][:dim], log_det


def _step(wire, invert, z, shift):
    """The function that finds the units of one degree, and adds them to lists of them."""

    def step(k, i, units_of, found):
        def apply(layer, units):
            if layer:
                found[layer].append(units)
            return units_of[layer](i, found[layer])

        parameters = wire(apply, None, None if shift is None else shift[k, i])
        # Not a transposition, which of a few rows takes oneDNN longer than all else here.
        x, log_det = invert(z[k, i], tf.stack(tf.unstack(parameters), -1))
        found[0].append(x[tf.newaxis])
        return log_det

    return step


def _solve_stage(layers, functions, step, exists, log_det):
    """The inputs of each layer that belong to the stage, `[rows, n]`, and log_det so far."""
    groups, size = exists.shape
    batch = tf.shape(log_det)[0]

    def solve_group(k, log_det, *units):
        units_of = [function(k, values) for function, values in zip(functions, units)]
        found = [[] for _ in layers]
        for i in range(size):
            # Degrees that there are not, which fill up the last group, count for nothing.
            log_det += tf.where(tf.constant(exists)[k, i], step(k, i, units_of, found), 0.0)
        units = [
            tf.tensor_scatter_nd_update(values, [[k]], [tf.concat(new, 0)])
            for values, new in zip(units, found)
        ]
        return k + 1, log_det, *units

    empty = [tf.zeros([groups, size * layer.inputs, batch], log_det.dtype) for layer in layers]
    _, log_det, *units = tf.while_loop(
        lambda k, *_: (k < groups) & (batch > 0),  # no rows cannot be scattered
        solve_group,
        (0, log_det, *empty),
        parallel_iterations=1,
        maximum_iterations=groups,
    )
    rows = [groups * size * layer.inputs for layer in layers]
    return [tf.reshape(u, [n, batch]) for u, n in zip(units, rows)], log_det
