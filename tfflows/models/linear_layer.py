"""The linear layers that a model may mix channels with."""

from __future__ import annotations

import functools

import keras

from tfflows.bijector_layer import BijectorLayer
from tfflows.layers import EmergingConvolution, InvertibleLinear, PeriodicConvolution

LINEAR_LAYERS = {kind: functools.partial(InvertibleLinear, kind) for kind in ("plu", "qr", "full")}
LINEAR_LAYERS |= {"emerging": EmergingConvolution, "periodic": PeriodicConvolution}


def linear_layer(
    kind: str, index: int, seed: int | None, dtype: str | keras.DTypePolicy | None
) -> BijectorLayer:
    """Linear layer number `index` of a model; the seed differs with the number.

    >>> linear_layer("plu", 3, seed=1, dtype="float32").name
    'linear_3'
    """
    if kind not in LINEAR_LAYERS:
        raise ValueError(
            f"`linear` should be one of {sorted(LINEAR_LAYERS)}. Received: linear={kind!r}."
        )
    own_seed = None if seed is None else seed + index
    return LINEAR_LAYERS[kind](seed=own_seed, name=f"linear_{index}", dtype=dtype)
