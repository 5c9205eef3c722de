"""How a network runs its layers."""

from __future__ import annotations


def plain(layer, inputs):
    """As they are."""
    return layer(inputs)


def adapting(layer, inputs):
    """As they are, once their gains and biases are set from the inputs."""
    return layer.adapt(inputs)
