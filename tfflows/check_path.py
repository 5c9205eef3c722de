"""Paths that TensorFlow can read a model from."""

from __future__ import annotations

from pathlib import Path

PATTERN = "[\\"


def check_path(path: str | Path) -> None:
    r"""Raises a ValueError for a path that TensorFlow would take for a pattern of others.

    It writes to such a path, and does not find there what it has written.

    >>> check_path("models/flow/1")
    >>> check_path("models[2]/flow/1")
    Traceback (most recent call last):
        ...
    ValueError: TensorFlow cannot read a model from models[2]/flow/1: it takes [ for a part of a \
pattern. Use another directory.
    """
    path = Path(path).as_posix()
    if found := [character for character in PATTERN if character in path]:
        raise ValueError(
            f"TensorFlow cannot read a model from {path}: it takes {found[0]} for a part of a "
            "pattern. Use another directory."
        )
