"""Pretrained normalizing flows, their recipes, and the data that they are trained on.

What follows is imported when it is first used: TensorFlow takes seconds, `--help` should not.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo import data
    from zoo.registry import card, load, names

__all__ = ["card", "data", "load", "names"]


def __getattr__(name: str):
    if name == "data":
        return importlib.import_module("zoo.data")
    if name in __all__:
        return getattr(importlib.import_module("zoo.registry"), name)
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")
