"""Which layers inside a layer are frozen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras


def frozen_layers(layer: keras.layers.Layer) -> list[str]:
    """The paths of the layers inside that are not trainable; of those within each other all.

    >>> chain = Chain([Coupling("half", MLP([4]), name="a"), Coupling("half", MLP([4]), name="b")])
    >>> chain.build((None, 2))
    >>> chain.layers[0].network.trainable = False
    >>> [path for path in frozen_layers(chain) if path.count("/") == 1]
    ['a/mlp']
    """
    return [path for path, inner in _walk(layer, "") if not inner.trainable]


def freeze(layer: keras.layers.Layer, paths: Sequence[str]) -> None:
    """Freezes the layers inside that have these paths."""
    for path, inner in _walk(layer, ""):
        if path in paths:
            inner.trainable = False


def _walk(layer, prefix) -> Iterator[tuple[str, keras.layers.Layer]]:
    for inner in layer._flatten_layers(include_self=False, recursive=False):
        yield prefix + inner.name, inner
        yield from _walk(inner, f"{prefix}{inner.name}/")
