"""The file that a training goes on from."""

from __future__ import annotations

import hashlib
import io
import pathlib
import zipfile

import numpy as np

from zoo.replace import replace

DIGEST = 64
"""Characters of a SHA-256."""


def previous(path: pathlib.Path) -> pathlib.Path:
    """Where the state before the last is kept: `state.previous.npz` beside `state.npz`."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def write_state(path: pathlib.Path, arrays: dict) -> None:
    """Writes arrays as an .npz file, whole or not at all; the one before is kept as `previous`.

    The comment of the archive is its SHA-256.
    """
    content = io.BytesIO()
    np.savez(content, **arrays)
    digest = _digest(content.getvalue())
    with zipfile.ZipFile(content, "a") as archive:
        archive.comment = digest
    replace(path, content.getvalue(), previous(path))


def read_state(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The arrays of a file by `write_state`.

    Raises:
        ValueError: the file is damaged.
    """
    content = path.read_bytes()
    if not (_is_whole(content) or _has_no_digest(content)):
        raise ValueError(f"{path} is damaged: its checksum differs. {_cure(path)}")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (zipfile.BadZipFile, EOFError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}. {_cure(path)}") from error


def _digest(content):
    return hashlib.sha256(content).hexdigest().encode()


def _is_whole(content):
    # Before it got its comment, the archive ended with the length of none, two bytes of zero.
    return _digest(content[: -DIGEST - 2] + bytes(2)) == content[-DIGEST:]


def _has_no_digest(content):
    """Whether it is of an earlier version, which had none: the arrays have checksums of theirs."""
    return content[-22:-18] == b"PK\5\6" and content[-2:] == bytes(2)


def _cure(path):
    if previous(path).exists():
        return f"Move {previous(path)} there, which is the state an epoch before, or use --fresh."
    return "Put a copy of it back, or start afresh (--fresh)."
