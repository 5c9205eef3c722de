"""Figures of a model on held-out data, and of a Gaussian on the same rows."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tfflows.models import DensityModel
from zoo.data import DataSet, dequantized
from zoo.gaussian import gaussian_log_prob
from zoo.recipe import EvaluationRecipe

PROTOCOL = (
    "mean log-density in nats over all {rows} rows of the {split} split of {data}, with two "
    "standard errors; {noise}"
)
BOUND = (
    "minus the mean of a lower bound of the log-probability of an image, in nats, "
    "divided by {dimensions} log 2, over all {rows} rows of the {split} split of {data}, with two "
    "standard errors; {dequantization} dequantization, one sample of the noise{more} (seed {seed})"
)
EXACT = (
    "exact: minus the mean log-probability of an image, in nats, divided by {dimensions} log 2, "
    "over all {rows} rows of the {split} split of {data}, with two standard errors"
)


def evaluate(model: DensityModel, data: DataSet, recipe: EvaluationRecipe) -> dict[str, float]:
    """Mean log-density in nats with two standard errors, of the model and of a Gaussian.

    Returns:
        log_prob, log_prob_2se; gaussian_log_prob, gaussian_log_prob_2se; difference_2se, of the
        mean of the paired differences; rows; and, for integer data, bits_per_dim; for images
        also its bits_per_dim_2se, and gaussian_bits_per_dim; with more than one importance sample
        importance_bits_per_dim and its importance_bits_per_dim_2se.
    """
    log_prob = _log_prob(model, data, recipe)
    gaussian = gaussian_log_prob(data, recipe)
    mean, error = mean_and_error(log_prob)
    gaussian_mean, gaussian_error = mean_and_error(gaussian)
    figures = {
        "log_prob": mean,
        "log_prob_2se": error,
        "gaussian_log_prob": gaussian_mean,
        "gaussian_log_prob_2se": gaussian_error,
        "difference_2se": mean_and_error(log_prob - gaussian)[1],
        "rows": len(log_prob),
    }
    if data.bin_width == 1.0:
        figures["bits_per_dim"] = -mean / data.nats_per_bit
    if data.is_image:
        figures["bits_per_dim_2se"] = error / data.nats_per_bit
        figures["gaussian_bits_per_dim"] = -gaussian_mean / data.nats_per_bit
        if is_tightened(model, recipe):
            mean, error = mean_and_error(
                _log_prob(model, data, recipe, recipe.num_importance_samples)
            )
            figures["importance_bits_per_dim"] = -mean / data.nats_per_bit
            figures["importance_bits_per_dim_2se"] = error / data.nats_per_bit
    return figures


def is_tightened(model: DensityModel, recipe: EvaluationRecipe) -> bool:
    """Whether there is a figure by importance samples beside that of one sample."""
    return model.likelihood == "lower_bound" and recipe.num_importance_samples > 1


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """Mean, and two standard errors of it."""
    values = np.asarray(values, np.float64)
    return float(values.mean()), float(2 * values.std(ddof=1) / np.sqrt(len(values)))


def protocol(data: DataSet, recipe: EvaluationRecipe, model: DensityModel) -> str:
    """What the figures of `evaluate` are, in words."""
    rows = {"rows": f"{data.size(recipe.split):,}", "split": recipe.split, "data": data.name}
    if model.likelihood == "lower_bound":
        k = recipe.num_importance_samples
        more = f" (and, where it says so, {k} importance samples)" if k > 1 else ""
        return BOUND.format(
            **rows,
            dimensions=data.dimensions,
            dequantization=type(model.dequantization)
            .__name__.removesuffix("Dequantization")
            .lower(),
            more=more,
            seed=recipe.seed,
        )
    if model.is_discrete:
        return EXACT.format(**rows, dimensions=data.dimensions)
    noise = "no noise added"
    if data.bin_width is not None:
        noise = f"uniform noise as wide as the rounding of the data added (seed {recipe.seed})"
    return PROTOCOL.format(**rows, noise=noise)


def _log_prob(
    model: DensityModel, data: DataSet, recipe: EvaluationRecipe, num_importance_samples: int = 1
) -> np.ndarray:
    """Of each row, with noise that depends on the seed."""
    x, labels = dequantized(data, recipe.split, recipe.seed), data.arrays(recipe.split)[1]

    @tf.function(reduce_retracing=True, autograph=False)
    def log_prob(x, labels, seed):
        return model.log_prob(x, labels, seed, num_importance_samples)

    values = []
    starts = range(0, len(x), recipe.batch_size)
    for start in tqdm(starts, desc=f"{num_importance_samples} x log_prob", disable=None):
        rows = slice(start, start + recipe.batch_size)
        seed = tf.constant([recipe.seed, start])
        values.append(log_prob(x[rows], None if labels is None else labels[rows], seed))
    return np.concatenate(values)
