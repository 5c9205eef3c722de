"""Which layers inside a layer are frozen."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from tfflows.layer_paths import layer_paths


def frozen_layers(layer: keras.layers.Layer) -> list[str]:
    """The paths of the layers inside that are not trainable; of those within each other all.

    >>> couplings = [Coupling("half", MLP([4], name="network"), name=name) for name in "ab"]
    >>> couplings[0].network.trainable = False
    >>> frozen_layers(Chain(couplings))[0]
    'a/network'
    """
    return ["/".join(path) for path, inner in layer_paths(layer) if path and not inner.trainable]


def freeze(layer: keras.layers.Layer, paths: Sequence[str]) -> None:
    """Freezes the layers inside that have these paths."""
    for path, inner in layer_paths(layer):
        if "/".join(path) in paths:
            inner.trainable = False
