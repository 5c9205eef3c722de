"""How a network runs a layer, on the inputs or on what `before` makes of them."""

from __future__ import annotations

import tensorflow as tf


def identity(inputs):
    return inputs


def plain(layer, inputs, before=identity):
    """As it is."""
    return layer(before(inputs))


def recomputing(layer, inputs, before=None):
    """As it is; what `before` gives is computed again in the backward pass, not kept.

    Activations are cheap to compute and, `concat_elu` doubling them, most of the memory.
    """
    if before is None:
        return layer(inputs)
    return tf.recompute_grad(lambda value: layer(before(value)))(inputs)


def adapting(layer, inputs, before=identity):
    """Once its gain and bias are set from the inputs."""
    return layer.adapt(before(inputs))
