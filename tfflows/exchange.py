"""Two paths that change places in one step."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

HERE = -100  # AT_FDCWD of Linux: paths are relative to the working directory
EXCHANGE = 2  # RENAME_EXCHANGE
CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}


def exchange(one: Path, other: Path) -> bool:
    """Lets the names of two files or directories change places; no moment sees but one of them.

    Returns:
      Whether it is done: it takes Linux, and a file system that can.

    Raises:
      OSError: it may not be done.
    """
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in CANNOT:
        return False
    raise OSError(code, os.strerror(code), str(other))
