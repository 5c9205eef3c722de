"""A directory that one process at a time works in."""

from __future__ import annotations

import contextlib
import fcntl
import pathlib
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def locked(directory: pathlib.Path) -> Iterator[None]:
    """Keeps other processes out, as long as this one lives: the lock is the system's.

    Args:
        directory: that there is; it gets the file `.lock`.

    Raises:
        ValueError: another process is at work there.
    """
    with (directory / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"{directory} is in use: another process trains there. Wait for it, or name "
                "another directory (--runs)."
            ) from None
        except OSError as error:
            warnings.warn(
                f"{directory} cannot be locked ({error.strerror}): nothing keeps another process "
                "from training there.",
                stacklevel=3,
            )
        yield
