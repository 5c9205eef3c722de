"""The layers inside a layer, by the names of those they lie in."""

from __future__ import annotations

from collections.abc import Iterator

import keras


def layer_paths(
    layer: keras.layers.Layer, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], keras.layers.Layer]]:
    """A layer and all inside it, each before what is inside it, with its path.

    >>> chain = Chain([Coupling("half", MLP([4], name="network"), name="coupling")])
    >>> ["/".join(path) for path, _ in layer_paths(chain)][:3]
    ['', 'coupling', 'coupling/network']
    """
    yield path, layer
    for inner in layer._flatten_layers(include_self=False, recursive=False):
        yield from layer_paths(inner, (*path, inner.name))
