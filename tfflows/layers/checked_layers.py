"""The layers that another one is made of."""

from __future__ import annotations

from collections.abc import Iterable

from tfflows.bijector_layer import BijectorLayer


def checked_layers(argument: str, layers: Iterable[BijectorLayer]) -> list[BijectorLayer]:
    """The layers as a list; ValueError with the name of the argument if one is none.

    >>> checked_layers("layers", [1])
    Traceback (most recent call last):
    ...
    ValueError: `layers` should be a list of `BijectorLayer`s. Received: an element of type int.
    """
    layers = list(layers)
    for layer in layers:
        if not isinstance(layer, BijectorLayer):
            raise ValueError(
                f"`{argument}` should be a list of `BijectorLayer`s. "
                f"Received: an element of type {type(layer).__name__}."
            )
    return layers
