"""tfflows' Glow, less its preprocessing of pixels."""

import numpy as np

import tfflows
from benchmarks.libraries.tfflows import Exported, Model, contestant, prepare
from benchmarks.tasks import Task


def build(task: Task, data: np.ndarray, variant: str) -> Model | Exported:
    prepare(variant)
    glow = tfflows.Glow(
        num_levels=task.levels,
        num_steps=task.layers,
        units=task.units[0],
        dequantization=None,
        dtype="mixed_bfloat16" if task.dtype == "bfloat16" else task.dtype,
        seed=1,
    )
    model = tfflows.FlowModel(glow.multi_scale)
    model.build((None, *task.image))
    model.adapt(data[0])
    return contestant(model, task, data, variant)
