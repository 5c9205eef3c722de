"""Samples beside the training images nearest to them."""

from __future__ import annotations

import pathlib

import numpy as np
from matplotlib.figure import Figure

from tfflows.models import DensityModel
from zoo.data import DataSet
from zoo.plots.image_grid import show_images, to_pixels

SAMPLES, NEIGHBOURS = 10, 3
ROWS_AT_ONCE = 5000


def nearest_neighbours(
    model: DensityModel, data: DataSet, output: pathlib.Path, seed: int = 0, flip: bool = False
) -> None:
    """Samples in the first row, below each its nearest training images by Euclidean distance.

    With `flip`, the training images and their mirror images, which the model was trained on too.

    The title compares with the distance of test images, which are no copies, to the same images.
    """
    labels = None if data.num_classes is None else np.arange(SAMPLES) % data.num_classes
    train, test = data.arrays("train")[0], data.arrays("test")[0][:SAMPLES]
    if flip:
        train = np.concatenate([train, train[:, :, ::-1]])
    own = to_pixels(model.sample(SAMPLES, labels, seed=seed))
    indices, distances = nearest(own, train, NEIGHBOURS)
    images = np.concatenate([own, *train[indices.T]])
    title = (
        f"Samples, and the training images{' (or mirrored)' * flip} nearest to them. Mean distance "
        f"to the nearest: {distances[:, 0].mean():.0f};\nof as many test images: "
        f"{nearest(test, train, 1)[1].mean():.0f} (pixel levels, Euclidean)"
    )
    figure = Figure(figsize=(7, 3.4), layout="constrained")
    show_images(figure.subplots(), images, SAMPLES, title)
    figure.savefig(output, dpi=100)


def nearest(images: np.ndarray, among: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices and Euclidean distances of the nearest, `[n, count]` each, the nearest first."""
    flat = images.reshape(len(images), -1).astype(np.float64)
    parts = []
    for start in range(0, len(among), ROWS_AT_ONCE):
        rows = among[start : start + ROWS_AT_ONCE].reshape(-1, flat.shape[1]).astype(np.float64)
        parts.append(np.sum(rows**2, axis=1) - 2 * flat @ rows.T)
    squares = np.concatenate(parts, axis=1) + np.sum(flat**2, axis=1, keepdims=True)
    indices = np.argsort(squares, axis=1)[:, :count]
    return indices, np.sqrt(np.take_along_axis(squares, indices, axis=1).clip(min=0))
