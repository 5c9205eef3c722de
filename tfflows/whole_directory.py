"""A directory that appears whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from tfflows.exchange import exchange


@contextlib.contextmanager
def whole_directory(path: Path) -> Iterator[Path]:
    """A place to write in, which becomes `path` at the end; with an error, nothing is changed.

    It lies beside `path`, and its name begins with a dot: a server that polls for versions, which
    are numbers, doesn't see it until it is moved, in one step. With a directory that was there
    before it changes places, in one step too where the system can (`exchange`); elsewhere that one
    is moved out of the way first.

    Args:
      path: where the directory is to be; of a symbolic link, where it points to.

    Raises:
      OSError: it cannot be written: the disk is full, the directory above is read-only, ... .
    """
    path = Path(path).resolve()
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        yield temporary
        _sync(temporary)
        _replace(temporary, path)
    except (OSError, tf.errors.OpError) as error:
        left = "" if isinstance(error, _NotMovedBack) else "; what was there is left as it was"
        reason = f"cannot be written ({error}){left}"
        raise OSError(getattr(error, "errno", None) or errno.EIO, reason, str(path)) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _sync(directory):
    """A crash of the machine too leaves all of it or nothing."""
    for file in directory.rglob("*"):
        if file.is_file():
            with open(file, "rb") as handle:
                os.fsync(handle.fileno())


def _replace(temporary, path):
    temporary.chmod(0o777 & ~_umask())  # mkdtemp's are private
    if not path.exists():
        os.replace(temporary, path)
    elif not exchange(temporary, path):
        _replace_in_two_steps(temporary, path)


def _replace_in_two_steps(temporary, path):
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent))
    try:
        os.replace(path, old / "was")
        os.replace(temporary, path)
    except BaseException as error:
        _move_back(old, path, error)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _move_back(old, path, error):
    if (old / "was").exists():
        try:
            os.replace(old / "was", path)
        except OSError:
            raise _NotMovedBack(f"{error}; what was there is now {old / 'was'}") from error
    old.rmdir()


def _umask():
    mask = os.umask(0o077)  # it can only be read by setting it
    os.umask(mask)
    return mask


class _NotMovedBack(OSError):
    """What was there is kept, but where it was moved to."""
