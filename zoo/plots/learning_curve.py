"""The learning curve of an entry."""

from __future__ import annotations

import pathlib

import numpy as np
from matplotlib.figure import Figure

from zoo.data import DataSet


def learning_curve(log: pathlib.Path, output: pathlib.Path, data: DataSet) -> None:
    """Training and validation over the steps: nats, or for images bits per dimension.

    Args:
        log: `training.csv` of the entry.
        output: the picture.
        data: what the entry is trained on.
    """
    table = np.genfromtxt(log, delimiter=",", names=True, ndmin=1)
    divisor, unit = 1.0, "negative log-likelihood (nats)"
    if data.is_image:
        divisor, unit = data.nats_per_bit, "bits per dimension"
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(table["step"], table["nll"] / divisor, label="training")
    axes.plot(table["step"], table["val_nll"] / divisor, label="validation")
    axes.set(xlabel="step", ylabel=unit)
    if data.is_image:  # the first steps are far above what there is to see
        last = table["val_nll"][-1] / divisor
        axes.set_ylim(top=min(axes.get_ylim()[1], 1.5 * last))
    axes.legend()
    figure.savefig(output, dpi=100)
