"""The density of an entry of 2-D data."""

from __future__ import annotations

import pathlib

import numpy as np
from matplotlib.figure import Figure

from tfflows.models import DensityModel
from zoo.data import DataSet

GRID = 300
SAMPLES = 2000


def density(model: DensityModel, data: DataSet, output: pathlib.Path, seed: int = 0) -> None:
    """The density of a model of 2-D data, and beside it samples, as one picture.

    Raises:
        ValueError: the data is not 2-D.
    """
    if data.event_shape != (2,) or data.plot_range is None:
        raise ValueError(f"A density plot needs 2-D data; {data.name} is {data.event_shape}.")
    low, high = data.plot_range
    axis = np.linspace(low, high, GRID, dtype=np.float32)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    log_prob = model.predict(grid, batch_size=10_000, verbose=0)
    samples = np.asarray(model.sample(SAMPLES, seed=seed))
    figure = Figure(figsize=(8, 4), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    left.imshow(np.exp(log_prob).reshape(GRID, GRID), origin="lower", extent=(low, high, low, high))
    left.set_title("density")
    right.scatter(*samples.T, s=2, linewidths=0)
    right.set_title(f"{SAMPLES} samples")
    right.set(aspect="equal", xlim=(low, high), ylim=(low, high))
    figure.savefig(output, dpi=100)
