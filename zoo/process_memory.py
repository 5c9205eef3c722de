"""What Linux says of the memory of this process."""

from __future__ import annotations

import pathlib


def memory_bytes(field: str) -> int:
    """A size of `/proc/self/status`, such as "VmRSS" or "VmHWM"; 0 where there is none."""
    try:
        lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(field)), 0)


def forget_peak() -> bool:
    """Sets "VmHWM" back to what is resident now; whether that can be done."""
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True
