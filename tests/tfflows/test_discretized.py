"""Any distribution discretized: against SciPy."""

import itertools

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfflows.distributions import Discretized

CONTINUOUS = {
    "normal": (tfd.Normal(3.0, 1.5), scipy.stats.norm(3.0, 1.5)),
    "logistic": (tfd.Logistic(3.0, 0.5), scipy.stats.logistic(3.0, 0.5)),
    "laplace": (tfd.Laplace(3.0, 0.7), scipy.stats.laplace(3.0, 0.7)),
    "student_t": (tfd.StudentT(2.0, 3.0, 0.5), scipy.stats.t(2.0, 3.0, 0.5)),
    "gamma": (tfd.Gamma(3.0, 0.6), scipy.stats.gamma(3.0, scale=1 / 0.6)),
}


@pytest.mark.parametrize("low, high", [(0, 20), (None, None)])
@pytest.mark.parametrize("name", CONTINUOUS)
def test_any_distribution_is_discretized(name, low, high):
    continuous, scipys = CONTINUOUS[name]
    discrete, y = Discretized(continuous, low, high), np.arange(0.0, 21.0)
    lower = np.where(y == low, -np.inf, y - 0.5)
    upper = np.where(y == high, np.inf, y + 0.5)
    is_upper = y > scipys.median()
    ends = np.stack([scipys.cdf(upper) - scipys.cdf(lower), scipys.sf(lower) - scipys.sf(upper)])
    expected = np.where(is_upper, ends[1], ends[0])
    with tf.GradientTape() as tape:
        at = tf.constant(y, tf.float32)
        tape.watch(at)
        log_prob = discrete.log_prob(at)
    is_exact = name in ("normal", "logistic", "laplace")  # those with exact upper tails
    np.testing.assert_allclose(np.exp(log_prob), expected, rtol=1e-3 if is_exact else 0.05)
    assert np.isfinite(log_prob).all()
    if (name, low) != ("gamma", None):  # whose density ends within the first bin
        assert np.isfinite(tape.gradient(log_prob, at)).all()
    np.testing.assert_allclose(discrete.cdf(y), scipys.cdf(upper), atol=1e-5)
    np.testing.assert_allclose(discrete.survival_function(y), scipys.sf(upper), atol=1e-5)
    samples, n = discrete.sample(20000, seed=1), 20000
    found = np.array([np.mean(samples == value) for value in y])
    assert (np.abs(found - expected) < 5 * np.sqrt(expected / n) + 1e-3).all()
    if low is not None:
        assert np.isneginf(discrete.log_prob([-1.0, 21.0])).all()


def test_gradients_are_finite_where_a_cdf_underflows():
    rate = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(rate)
        log_prob = Discretized(tfd.Gamma(300.0, rate), 0, 400).log_prob([0.0, 1.0, 300.0, 400.0])
    assert np.isfinite(log_prob).all() and np.isfinite(tape.gradient(log_prob, rate))


def gaussians(loc, scale):
    components = tfd.Normal(tf.stack([loc, loc + 1]), scale)
    return tfd.MixtureSameFamily(
        tfd.Categorical(tf.zeros([2], loc.dtype)), components
    )  # no survival function


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", [tfd.Logistic, tfd.Normal, gaussians, tfd.Gamma])
def test_bins_far_out_and_narrow_have_finite_log_probabilities_and_gradients(make, dtype):
    y = tf.constant([0.0, 1.0, 100.0, 254.0, 255.0], dtype)
    locs = [0.1, 3.0] if make is tfd.Gamma else [-500.0, 100.0, 700.0]
    for loc, scale in itertools.product(locs, [0.01, 1.0, 1e4]):
        variables = tf.constant(loc, dtype), tf.constant(scale, dtype)
        with tf.GradientTape() as tape:
            tape.watch(variables)
            log_prob = Discretized(make(*variables), 0, 255).log_prob(y)
        assert log_prob.dtype == dtype and np.isfinite(log_prob).all()
        assert np.isfinite(tape.gradient(log_prob, variables)).all()
