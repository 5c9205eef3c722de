"""Samples of an entry of images, at three temperatures."""

from __future__ import annotations

import pathlib

import numpy as np
from matplotlib.figure import Figure

from tfflows.models import DensityModel
from zoo.data import DataSet
from zoo.plots.image_grid import show_images, to_pixels

TEMPERATURES = (0.7, 0.85, 1.0)


def samples(model: DensityModel, data: DataSet, output: pathlib.Path, seed: int = 0) -> None:
    """Three grids from the same noise; where the model takes labels, each column is a class."""
    rows = 8 if data.event_shape[-1] == 1 else 4
    columns = data.num_classes or rows
    labels = None if data.num_classes is None else np.tile(np.arange(columns), rows)
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    for axes, temperature in zip(figure.subplots(1, len(TEMPERATURES)), TEMPERATURES):
        x = model.sample(rows * columns, labels, temperature, seed)
        show_images(axes, to_pixels(x), columns, f"temperature {temperature}")
    figure.savefig(output, dpi=100)
