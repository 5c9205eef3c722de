"""The tasks that every library is given: which flow, on which data."""

from dataclasses import dataclass, replace

import numpy as np


class Unavailable(Exception):
    """The library has no such flow; the message says what is missing."""


@dataclass(frozen=True)
class Task:
    """A flow to build, the same for every library: sizes, float32, relu, Adam."""

    name: str
    layers: int
    units: tuple[int, ...]
    features: int = 43
    bins: int = 8
    bound: float = 5.0
    batch: int = 512
    samples: int = 1000
    learning_rate: float = 1e-3


TASKS = {
    task.name: task
    for task in (
        Task("maf", layers=5, units=(512, 512)),
        Task("realnvp", layers=10, units=(256, 256)),
        Task("spline", layers=5, units=(256, 256)),
    )
}
DESCRIPTIONS = {
    "maf": "5 MADEs of 2x512, affine, order reversed or permuted between",
    "realnvp": "10 affine couplings, MLPs of 2x256, alternating halves",
    "spline": "5 rational-quadratic-spline couplings, 8 bins, linear tails, MLPs of 2x256",
}


def batches(task: Task, count: int = 64, seed: int = 0) -> np.ndarray:
    """Training data ``[count, batch, features]``: correlated, heavy-tailed, standardized.

    Enough batches that a model trained for some thousand steps doesn't learn them by heart.
    """
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count * task.batch, task.features))
    mixing = rng.standard_normal((task.features, task.features)) / task.features**0.5
    x = np.sinh(0.5 * rows @ mixing) + 0.3 * rows
    x = ((x - x.mean(0)) / x.std(0)).astype("float32")
    return x.reshape(count, task.batch, task.features)


def halves(features: int, layer: int) -> np.ndarray:
    """Which features coupling number ``layer`` transforms: one half, then the other."""
    return (np.arange(features) < features // 2) == (layer % 2 == 1)


__all__ = ["DESCRIPTIONS", "TASKS", "Task", "Unavailable", "batches", "halves", "replace"]
