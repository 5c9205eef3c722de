"""Files that are written whole, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib
import shutil
import tempfile


def replace(path: pathlib.Path, content: bytes, previous: pathlib.Path | None = None) -> None:
    """Writes the file whole, or leaves what was there.

    Args:
        path: the file; there is one at any moment, the old or the new.
        content: all of it.
        previous: where the old file is kept.

    Raises:
        OSError: it cannot be written: the disk is full, the directory is read-only, ... .
    """
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if previous is not None and path.exists():
            _link(path, previous)
        os.replace(temporary, path)
    except OSError as error:
        raise _named(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def check_writable(directory: pathlib.Path) -> None:
    """Makes the directory, and raises the OSError of one that nothing can be written to."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise _named(error, directory) from error


def _link(path, name):
    temporary = _temporary(name)
    temporary.unlink(missing_ok=True)
    try:
        os.link(path, temporary)
    except OSError:  # a file system without links
        shutil.copyfile(path, temporary)
    os.replace(temporary, name)


def _temporary(path):
    # Always the same, so that what a killed process leaves is used again.
    return path.with_name(f".{path.name}.new")


def _named(error, path):
    reason = f"cannot be written ({error.strerror or error}); what was there is left as it was"
    return OSError(error.errno or errno.EIO, reason, str(path))
