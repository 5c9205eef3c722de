"""The precision that networks are trained in."""

from __future__ import annotations

import tensorflow as tf

from zoo.processor import has_bfloat16_instructions
from zoo.recipe import Recipe


def training_dtype(recipe: Recipe, mixed_precision: bool | None = None) -> str:
    """The dtype policy of a training by the recipe.

    Args:
        recipe: what is trained.
        mixed_precision: whether networks compute in bfloat16; None: if the recipe says so, and the
            machine has the instructions. A processor that has not takes several times as long as in
            float32.
    """
    dtype = recipe.model.arguments.get("dtype", "float32")
    if mixed_precision is None:
        mixed_precision = dtype == "mixed_bfloat16" and has_bfloat16()
    elif dtype not in ("float32", "mixed_bfloat16"):
        raise ValueError(
            f"--mixed-precision is for recipes in float32 or mixed_bfloat16. Received: {dtype}."
        )
    if mixed_precision:
        return "mixed_bfloat16"
    return "float32" if dtype == "mixed_bfloat16" else dtype


def has_bfloat16() -> bool:
    """Whether products in bfloat16 are fast here: on GPUs, and CPUs that Linux says so of."""
    return bool(tf.config.list_physical_devices("GPU")) or has_bfloat16_instructions()
