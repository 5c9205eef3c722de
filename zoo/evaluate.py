"""Figures of a model on held-out data, and of a Gaussian on the same rows."""

from __future__ import annotations

import numpy as np

from tfflows.models import DensityModel
from zoo.data import DataSet, dequantized
from zoo.recipe import EvaluationRecipe

PROTOCOL = (
    "mean log-density in nats over all {rows} rows of the {split} split of {data}, with two "
    "standard errors; {noise}"
)


def evaluate(model: DensityModel, data: DataSet, recipe: EvaluationRecipe) -> dict[str, float]:
    """Mean log-density in nats with two standard errors, of the model and of a Gaussian.

    Returns:
        log_prob, log_prob_2se; gaussian_log_prob, gaussian_log_prob_2se; difference_2se, of the
        mean of the paired differences; rows; and bits_per_dim for integer data.
    """
    x = dequantized(data, recipe.split, recipe.seed)
    labels = data.arrays(recipe.split)[1]
    log_prob = model.predict(x, labels, batch_size=recipe.batch_size, verbose=0)
    gaussian = gaussian_log_prob(data, recipe)
    mean, error = mean_and_error(log_prob)
    gaussian_mean, gaussian_error = mean_and_error(gaussian)
    figures = {
        "log_prob": mean,
        "log_prob_2se": error,
        "gaussian_log_prob": gaussian_mean,
        "gaussian_log_prob_2se": gaussian_error,
        "difference_2se": mean_and_error(log_prob - gaussian)[1],
        "rows": len(x),
    }
    if data.bin_width == 1.0:
        figures["bits_per_dim"] = -mean / (np.prod(data.event_shape) * np.log(2.0))
    return figures


def gaussian_log_prob(data: DataSet, recipe: EvaluationRecipe) -> np.ndarray:
    """Log-density of each row under a Gaussian of full covariance, fitted to the training split.

    Where the data is labelled, each class has its own mean; the covariance is common.
    """
    train, train_labels = dequantized(data, "train", recipe.seed), data.arrays("train")[1]
    x, labels = dequantized(data, recipe.split, recipe.seed), data.arrays(recipe.split)[1]
    train, x = (a.reshape(len(a), -1).astype(np.float64) for a in (train, x))
    if labels is None:
        train_labels, labels = np.zeros(len(train), int), np.zeros(len(x), int)
    means = np.stack([train[train_labels == k].mean(0) for k in range(train_labels.max() + 1)])
    residual = train - means[train_labels]
    covariance = residual.T @ residual / len(residual)
    residual = x - means[labels]
    squares = np.sum(residual * np.linalg.solve(covariance, residual.T).T, axis=-1)
    return -0.5 * (squares + np.linalg.slogdet(2 * np.pi * covariance)[1])


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """Mean, and two standard errors of it."""
    values = np.asarray(values, np.float64)
    return float(values.mean()), float(2 * values.std(ddof=1) / np.sqrt(len(values)))


def protocol(data: DataSet, recipe: EvaluationRecipe) -> str:
    """What the figures of `evaluate` are, in words."""
    noise = "no noise added"
    if data.bin_width is not None:
        noise = f"uniform noise as wide as the rounding of the data added (seed {recipe.seed})"
    return PROTOCOL.format(
        rows=f"{data.size(recipe.split):,}", split=recipe.split, data=data.name, noise=noise
    )
