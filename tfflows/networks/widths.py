"""Widths of layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfflows.check_bounds import check_bounds


def widths(units: Sequence[int]) -> tuple[int, ...]:
    """Those of the layers of a network.

    >>> widths(64)
    Traceback (most recent call last):
    ...
    ValueError: `units` should be a list of widths, one for each layer. Received: units=64.
    """
    if not np.iterable(units):
        raise ValueError(
            f"`units` should be a list of widths, one for each layer. Received: units={units}."
        )
    for width in units:
        check_bounds(1, units=width)
    return tuple(units)
