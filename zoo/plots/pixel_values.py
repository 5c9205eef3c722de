"""Pixel values before and after dequantization."""

from __future__ import annotations

import pathlib

import numpy as np
from matplotlib.figure import Figure

from tfflows.models import FlowModel
from zoo.data import DataSet

ROWS = 2000
LEVELS = 256
BINS_PER_LEVEL = 8
NEAR = (100, 112)
"""The part of the levels that is shown enlarged."""


def pixel_values(model: FlowModel, data: DataSet, output: pathlib.Path, seed: int = 0) -> None:
    """Histograms of the pixels of test images: the integers, and what the flow is given."""
    y = data.arrays("test")[0][:ROWS]
    x = np.asarray(model.dequantization(y, seed=seed)[0])
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    for axes, (low, high) in zip(figure.subplots(1, 2), [(0, LEVELS), NEAR]):
        fine = np.linspace(low, high, (high - low) * (BINS_PER_LEVEL if high < LEVELS else 1) + 1)
        axes.hist(x.ravel(), fine, density=True, alpha=0.6, label="dequantized")
        inside = y[(y >= low) & (y < high)]
        share, _ = np.histogram(inside, np.arange(low, high + 1), density=True)
        levels, shares = np.arange(low, high)[share > 0], share[share > 0]
        axes.plot(levels, shares, "k.", markersize=2, label="pixels")
        if high == LEVELS:
            axes.set_yscale("log")  # at the ends there is far more
        else:
            axes.vlines(levels, 0, shares, "black", linewidth=0.8)
        axes.set(xlabel="pixel value", ylabel="density")
    axes.legend()
    figure.savefig(output, dpi=100)
