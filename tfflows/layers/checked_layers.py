"""The layers that another one is made of."""

from __future__ import annotations

from collections.abc import Sequence

from tfflows.bijector_layer import BijectorLayer


def checked_layers(argument: str, layers: Sequence[BijectorLayer]) -> list[BijectorLayer]:
    """The layers as a list; ValueError with the name of the argument if one is none.

    >>> checked_layers("layers", [1])
    Traceback (most recent call last):
    ...
    ValueError: `layers` should be a list of `BijectorLayer`s. Received: an element of type int.
    """
    for layer in layers:
        if not isinstance(layer, BijectorLayer):
            raise ValueError(
                f"`{argument}` should be a list of `BijectorLayer`s. "
                f"Received: an element of type {type(layer).__name__}."
            )
    return list(layers)
