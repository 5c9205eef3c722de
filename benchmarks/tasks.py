"""The tasks that every library is given: which flow, on which data."""

from dataclasses import dataclass, replace

import numpy as np


class Unavailable(Exception):
    """The library has no such flow; the message says what is missing."""


@dataclass(frozen=True)
class Task:
    """A flow to build, the same for every library: sizes, relu, Adam.

    Of vectors of ``features``; or of images ``[height, width, channels]``, with ``levels`` of
    ``layers`` steps each. ``dtype`` is what networks compute in.
    """

    name: str
    layers: int
    units: tuple[int, ...]
    features: int = 43
    bins: int = 8
    bound: float = 5.0
    batch: int = 512
    samples: int = 1000
    learning_rate: float = 1e-3
    image: tuple[int, int, int] | None = None
    levels: int = 1
    dtype: str = "float32"

    @property
    def event_shape(self) -> tuple[int, ...]:
        return self.image or (self.features,)

    @property
    def package(self) -> str:
        """Where the modules are that build it, one a library."""
        return "benchmarks.libraries" + (".glow" if self.image else "")


GLOW = Task("glow", layers=8, units=(128, 128), batch=64, samples=64, image=(32, 32, 3), levels=3)

TASKS = {
    task.name: task
    for task in (
        Task("maf", layers=5, units=(512, 512)),
        Task("realnvp", layers=10, units=(256, 256)),
        Task("spline", layers=5, units=(256, 256)),
        GLOW,
        replace(GLOW, name="glow_bfloat16", dtype="bfloat16"),
    )
}
DESCRIPTIONS = {
    "maf": "5 MADEs of 2x512, affine, order reversed or permuted between",
    "realnvp": "10 affine couplings, MLPs of 2x256, alternating halves",
    "spline": "5 rational-quadratic-spline couplings, 8 bins, linear tails, MLPs of 2x256",
    "glow": "Glow on 32x32x3, 3 levels of 8 steps, convolutions 3x3, 1x1, 3x3 with 128 filters",
    "glow_bfloat16": "the same with networks in bfloat16; PyTorch: everything that autocast takes",
}


def batches(task: Task, seed: int = 0) -> np.ndarray:
    """Training data ``[count, batch, ...]``."""
    rng = np.random.default_rng(seed)
    return _images(task, 16, rng) if task.image else _vectors(task, 64, rng)


def _vectors(task: Task, count: int, rng: np.random.Generator) -> np.ndarray:
    """Correlated, heavy-tailed, standardized.

    Enough batches that a model trained for some thousand steps doesn't learn them by heart.
    """
    rows = rng.standard_normal((count * task.batch, task.features))
    mixing = rng.standard_normal((task.features, task.features)) / task.features**0.5
    x = np.sinh(0.5 * rows @ mixing) + 0.3 * rows
    x = ((x - x.mean(0)) / x.std(0)).astype("float32")
    return x.reshape(count, task.batch, task.features)


def _images(task: Task, count: int, rng: np.random.Generator) -> np.ndarray:
    """Blurred squares, grey but for the noise; as dequantized pixels from -0.5 to 0.5."""
    height, width, channels = task.image
    squares = rng.uniform(-0.4, 0.4, (count, task.batch, height // 4, width // 4, 1))
    x = squares.repeat(4, 2).repeat(4, 3).repeat(channels, 4)
    x = (x + np.roll(x, 1, 2) + np.roll(x, 1, 3)) / 3 + 0.03 * rng.standard_normal(x.shape)
    return x.clip(-0.5, 0.5).astype("float32")


def halves(features: int, layer: int) -> np.ndarray:
    """Which features coupling number ``layer`` transforms: one half, then the other."""
    return (np.arange(features) < features // 2) == (layer % 2 == 1)


__all__ = ["DESCRIPTIONS", "TASKS", "Task", "Unavailable", "batches", "halves", "replace"]
