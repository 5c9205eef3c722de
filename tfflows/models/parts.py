"""What comes together in a batch."""

from __future__ import annotations

from typing import Any


def parts(batch: Any) -> tuple:
    """Data, condition, weight, or those that there are.

    >>> parts(1), parts([1, 2])
    ((1,), (1, 2))
    """
    return tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)


def data_and_condition(inputs: Any) -> tuple:
    """`(x, condition)`, of the input of a model: of `x` alone the condition is None.

    >>> data_and_condition(1)
    (1, None)
    """
    given = parts(inputs)
    if len(given) not in (1, 2):
        raise ValueError(
            "A model of a density expected x, or the pair (x, condition). "
            f"Received: {len(given)} inputs."
        )
    return (*given, None)[:2]
