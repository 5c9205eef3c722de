"""The yardstick of every entry: a Gaussian of full covariance."""

from __future__ import annotations

import numpy as np

from tfflows.dequantization import UniformDequantization
from zoo.data import DataSet, dequantized
from zoo.recipe import EvaluationRecipe

ROWS_AT_ONCE = 5000


def gaussian_log_prob(data: DataSet, recipe: EvaluationRecipe) -> np.ndarray:
    """Log-density of each row under a Gaussian of full covariance, fitted to the training split.

    Where the data is labelled, each class has its own mean; the covariance is common. Images of
    integers get uniform noise, as tables of rounded numbers do.
    """
    train, train_labels = _rows(data, "train", recipe.seed)
    x, labels = _rows(data, recipe.split, recipe.seed)
    means = [train[train_labels == k].mean(0, np.float64) for k in range(train_labels.max() + 1)]
    covariance = np.zeros([x.shape[1]] * 2)
    for start in range(0, len(train), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        residual = train[rows] - np.stack(means)[train_labels[rows]]
        covariance += residual.T @ residual / len(train)
    residual = x - np.stack(means)[labels]
    squares = np.sum(residual * np.linalg.solve(covariance, residual.T).T, axis=-1)
    return -0.5 * (squares + np.linalg.slogdet(2 * np.pi * covariance)[1])


def _rows(data: DataSet, split: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Continuous vectors, and their labels: all 0 where there are none."""
    x, labels = dequantized(data, split, seed), data.arrays(split)[1]
    if x.dtype == np.uint8:
        dequantize, starts = UniformDequantization(), range(0, len(x), ROWS_AT_ONCE)
        parts = (dequantize(x[i : i + ROWS_AT_ONCE], seed=(seed, i))[0].numpy() for i in starts)
        x = np.concatenate(list(parts))
    return x.reshape(len(x), -1), np.zeros(len(x), int) if labels is None else labels
