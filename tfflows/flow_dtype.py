"""What flows compute in."""

from __future__ import annotations

import keras


def flow_dtype(layer: keras.layers.Layer) -> str:
    """The dtype of values and log-determinants: float32 at least, whatever networks compute in.

    >>> flow_dtype(keras.layers.Identity(dtype="mixed_bfloat16"))
    'float32'
    """
    return "float64" if layer.variable_dtype == "float64" else "float32"
