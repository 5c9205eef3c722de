"""Images side by side."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

PAPER = 255


def to_pixels(x) -> np.ndarray:
    """The integers, uint8, that real numbers from 0 to 256 stand for."""
    return np.clip(np.floor(np.asarray(x, np.float32)), 0, 255).astype(np.uint8)


def image_grid(images: np.ndarray, columns: int) -> np.ndarray:
    """Images `[n, height, width, channels]`, uint8, as one, row by row, with a line between."""
    height, width, channels = images.shape[1:]
    rows = -(-len(images) // columns)
    grid = np.full([rows, columns, height + 1, width + 1, channels], PAPER, np.uint8)
    cells = grid.reshape(-1, height + 1, width + 1, channels)
    cells[: len(images), 1:, 1:] = images
    grid = grid.transpose(0, 2, 1, 3, 4)
    return grid.reshape(rows * (height + 1), columns * (width + 1), channels)


def show_images(axes: Axes, images: np.ndarray, columns: int, title: str = "") -> None:
    """Draws a grid of images, pixels as squares."""
    axes.imshow(image_grid(images, columns), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_title(title, fontsize="medium")
    axes.set_axis_off()
