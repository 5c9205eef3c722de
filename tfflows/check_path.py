"""Paths that TensorFlow can read a model from."""

from __future__ import annotations

from pathlib import Path

PATTERN = "[\\"


def check_path(path: str | Path) -> None:
    """Raises a ValueError for a path that TensorFlow would take for a pattern of others.

    It writes to such a path, and does not find there what it has written.

    >>> check_path("models/flow/1")
    >>> check_path("a[2]/1")
    Traceback (most recent call last):
        ...
    ValueError: TensorFlow cannot read from a[2]/1: to it [ begins a pattern. Use another path.
    """
    path = Path(path).as_posix()
    if found := [character for character in PATTERN if character in path]:
        raise ValueError(
            f"TensorFlow cannot read from {path}: to it {found[0]} begins a pattern. "
            "Use another path."
        )
