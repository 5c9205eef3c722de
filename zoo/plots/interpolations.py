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
    """Rows of decoded latents between those of two test images, the ends.

    The weights of the two latents have squares that add up to 1, so that what lies between is as
    far from the origin as latents are. Where the model takes labels, both images are of one class.
    """
    first, second, label = pairs(data, seed)
    begin, end = (model.encode(x + 0.5, label) for x in (first, second))  # 0.5: mid-bin
    angles = np.linspace(0, np.pi / 2, COLUMNS, dtype=np.float32)
    z = tf.stack([np.cos(a) * begin + np.sin(a) * end for a in angles], axis=1)
    labels = None if label is None else np.repeat(label, COLUMNS)
    x = model.decode(tf.reshape(z, [ROWS * COLUMNS, -1]), labels)
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
