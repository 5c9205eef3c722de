"""What Linux says of the processor."""

from __future__ import annotations

import pathlib
import platform

BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
"""The instructions for products in bfloat16."""


def processor_name() -> str:
    """The name of the model; where it is not told, that of the architecture."""
    names = (line.split(":", 1)[1].strip() for line in _told() if line.startswith("model name"))
    return next(names, platform.machine())


def has_bfloat16_instructions() -> bool:
    """Whether it multiplies in bfloat16; not where it is not told."""
    lines = (line for line in _told() if line.startswith(("flags", "Features")))
    return not BFLOAT16_FLAGS.isdisjoint(flag for line in lines for flag in line.split())


def _told():
    try:
        return pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
