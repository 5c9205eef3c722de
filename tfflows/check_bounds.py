"""Bounds of arguments that are numbers."""

from __future__ import annotations

import math
import numbers


def check_bounds(low: float, high: float | None = None, **arguments: float) -> None:
    """Raises a ValueError that names the first argument below `low` or above `high`, or no number.

    With a `low` that is an int, numbers should be whole.

    >>> check_bounds(1, num_layers=0)
    Traceback (most recent call last):
    ...
    ValueError: `num_layers` should be at least 1. Received: num_layers=0.
    """
    for name, value in arguments.items():
        is_number = isinstance(value, numbers.Real)
        if isinstance(low, int) and is_number and not isinstance(value, numbers.Integral):
            raise ValueError(f"`{name}` should be a whole number. Received: {name}={value}.")
        if not is_number or not value >= low or high is not None and not value <= high:
            bounds = f"at least {low}" if high is None else f"from {low} to {high}"
            raise ValueError(f"`{name}` should be {bounds}. Received: {name}={value}.")


def check_odd(least: int, **arguments: int) -> None:
    """Raises a ValueError that names the first argument that is not odd, or is below `least`.

    >>> check_odd(3, kernel_size=4)
    Traceback (most recent call last):
    ...
    ValueError: `kernel_size` should be odd, 3 or more. Received: kernel_size=4.
    """
    for name, value in arguments.items():
        if not isinstance(value, numbers.Integral) or value < least or value % 2 == 0:
            raise ValueError(f"`{name}` should be odd, {least} or more. Received: {name}={value}.")


def check_ends(low: float, high: float) -> None:
    """Raises a ValueError unless `low` is below `high`."""
    if not low < high:
        raise ValueError(f"`low` should be below `high`. Received: low={low}, high={high}.")


def whole_numbers(**arguments: float) -> list[int]:
    """The arguments as ints, of which sums do not overflow as those of bytes do.

    >>> whole_numbers(low=0, high=255.5)
    Traceback (most recent call last):
    ...
    ValueError: `high` should be a whole number. Received: high=255.5.
    """
    for name, value in arguments.items():
        is_finite = isinstance(value, numbers.Real) and math.isfinite(value)
        if not is_finite or value != int(value):
            raise ValueError(f"`{name}` should be a whole number. Received: {name}={value}.")
    return [int(value) for value in arguments.values()]
