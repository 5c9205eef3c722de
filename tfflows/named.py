"""What errors call a layer or a model."""

from __future__ import annotations

import keras


def named(layer: keras.layers.Layer) -> str:
    """Its kind, its name and its class.

    >>> named(keras.layers.Identity(name="same"))
    "Layer 'same' (Identity)"
    """
    kind = "Model" if isinstance(layer, keras.Model) else "Layer"
    return f"{kind} '{layer.name}' ({type(layer).__name__})"
