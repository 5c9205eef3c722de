"""Names for the weights of a model that do not depend on how it was built."""

from __future__ import annotations

import keras

from tfflows.layer_paths import layer_paths


def weight_paths(layer: keras.layers.Layer) -> dict[str, keras.Variable]:
    """The weights of a layer by the names of the layers they lie in: `flow/coupling_0/head/bias`.

    Keras's own `weight.path` is the name scope of the moment a weight was made in, which is another
    one when a network is deserialized by itself before the layer that owns it. The layer's own
    name is left out: it says nothing of the weight.

    Raises:
      ValueError: two weights have the same path, because two layers have the same name; or a
        weight has two, because two layers share it, which those made of their config would not.

    >>> layer = MLP([4])
    >>> layer.build((None, 2))
    >>> sorted(weight_paths(layer))
    ['hidden_0/bias', 'hidden_0/kernel']
    """
    check_unshared(layer)
    paths = {}
    for path, weight in _weights(layer):
        if path in paths and paths[path] is not weight:
            raise ValueError(f"Two weights have the same path: {path}. Name the layers apart.")
        paths[path] = weight
    return paths


def check_unshared(layer: keras.layers.Layer) -> None:
    """Raises a ValueError if two layers share a weight, which those made of their config would not.

    >>> check_unshared(MLP([4]))
    """
    seen = {}
    for path, weight in _weights(layer):
        if (other := seen.setdefault(id(weight), path)) != path:
            raise ValueError(f"Two layers share a weight: {other} is {path}. Give each its own.")


def _weights(layer):
    for path, inner in layer_paths(layer):
        for weight in [*inner._trainable_variables, *inner._non_trainable_variables]:
            yield "/".join((*path, weight.name)), weight
