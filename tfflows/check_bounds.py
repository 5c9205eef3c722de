"""Bounds of arguments that are numbers."""

from __future__ import annotations

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
