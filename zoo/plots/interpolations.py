"""From one test image to another, through the latent space."""

from __future__ import annotations

import pathlib

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from tfflows.models import FlowModel
from zoo.data import DataSet
from zoo.plots.image_grid import show_images, to_pixels

ROWS, COLUMNS = 6, 9


def interpolations(model: FlowModel, data: DataSet, output: pathlib.Path, seed: int = 0) -> None:
    """Rows of `FlowModel.interpolate` between two test images, the ends.

    Where the model takes labels, both images are of one class.
    """
    first, second, label = pairs(data, seed)
    positions = np.tile(np.linspace(0, 1, COLUMNS), [ROWS, 1])
    x = model.interpolate(first, second, positions, label)
    x = tf.reshape(x, [ROWS * COLUMNS, *x.shape[2:]])
    figure = Figure(figsize=(6, 4.2), layout="constrained")
    show_images(figure.subplots(), to_pixels(x), COLUMNS, "from test image to test image")
    figure.savefig(output, dpi=100)


def pairs(data: DataSet, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Two test images for each row, as float32, and the label of both where there are labels."""
    random = np.random.RandomState(seed)
    images, labels = data.arrays("test")
    if labels is None:
        chosen = random.choice(len(images), [ROWS, 2], replace=False)
    else:
        classes = random.choice(np.unique(labels), ROWS, replace=False)
        chosen = [random.choice(np.flatnonzero(labels == k), 2, replace=False) for k in classes]
    first, second = images[np.transpose(chosen)].astype(np.float32)
    return first, second, None if labels is None else labels[np.transpose(chosen)[0]]
