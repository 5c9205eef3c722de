"""Any distribution discretized: against SciPy."""

import itertools

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf
from tensorflow_probability import bijectors as tfb
from tensorflow_probability import distributions as tfd

from tfflows.distributions import Discretized

CONTINUOUS = {
    "normal": (tfd.Normal(3.0, 1.5), scipy.stats.norm(3.0, 1.5)),
    "logistic": (tfd.Logistic(3.0, 0.5), scipy.stats.logistic(3.0, 0.5)),
    "laplace": (tfd.Laplace(3.0, 0.7), scipy.stats.laplace(3.0, 0.7)),
    "student_t": (tfd.StudentT(2.0, 3.0, 0.5), scipy.stats.t(2.0, 3.0, 0.5)),
    "gamma": (tfd.Gamma(3.0, 0.6), scipy.stats.gamma(3.0, scale=1 / 0.6)),
}


ON_A_PART = {
    "exponential": (tfd.Exponential(0.5), scipy.stats.expon(scale=2)),
    "log_normal": (tfd.LogNormal(0.5, 1.0), scipy.stats.lognorm(1.0, scale=np.exp(0.5))),
    "weibull": (tfd.Weibull(2.0, 3.0), scipy.stats.weibull_min(2.0, scale=3.0)),
    "beta": (tfd.Beta(2.0, 2.0), scipy.stats.beta(2.0, 2.0)),
    "kumaraswamy": (tfd.Kumaraswamy(1.0, 2.0), scipy.stats.beta(1.0, 2.0)),
    "inverse_gamma": (tfd.InverseGamma(2.0, 1.0), scipy.stats.invgamma(2.0)),
    "log_logistic": (tfd.LogLogistic(0.0, 1.0), scipy.stats.fisk(1.0)),
    "pareto": (tfd.Pareto(2.0, 1.0), scipy.stats.pareto(2.0)),
    "uniform": (tfd.Uniform(-1.2, 3.0), scipy.stats.uniform(-1.2, 4.2)),
    "half_normal": (tfd.HalfNormal(3.0), scipy.stats.halfnorm(scale=3.0)),
    "mixture": (
        tfd.MixtureSameFamily(tfd.Categorical([0.0]), tfd.LogNormal([0.5], [1.0])),
        scipy.stats.lognorm(1.0, scale=np.exp(0.5)),
    ),
}


@pytest.mark.parametrize("low, high", [(None, None), (0, None), (-2, 6)])
@pytest.mark.parametrize("name", ON_A_PART)
def test_bins_at_the_ends_of_a_support_and_beyond(name, low, high):
    continuous, scipys = ON_A_PART[name]
    discrete, y = Discretized(continuous, low, high), np.arange(-5.0, 9.0)
    lower = np.where(y == low, -np.inf, y - 0.5)
    upper = np.where(y == high, np.inf, y + 0.5)
    outside = (y < (-np.inf if low is None else low)) | (y > (np.inf if high is None else high))
    expected = np.where(outside, 0, scipys.cdf(upper) - scipys.cdf(lower))
    log_prob = discrete.log_prob(y).numpy()
    np.testing.assert_allclose(np.exp(log_prob), expected, rtol=1e-3, atol=1e-6)
    assert (np.isneginf(log_prob) == (expected == 0)).all()
    cdf = np.where(y < (-np.inf if low is None else low), 0, scipys.cdf(upper))
    cdf = np.where(y >= (np.inf if high is None else high), 1, cdf)
    np.testing.assert_allclose(discrete.cdf(y), cdf, atol=1e-5)
    np.testing.assert_allclose(discrete.survival_function(y), 1 - cdf, atol=1e-5)


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


def even_mixture(components):
    """Of two, which has no survival function."""
    return tfd.MixtureSameFamily(tfd.Categorical(tf.zeros([2], components.dtype)), components)


def gaussians(loc, scale):
    return even_mixture(tfd.Normal(tf.stack([loc, loc + 1]), scale))


def shifted(mixture):
    return tfd.TransformedDistribution(mixture, tfb.Shift(0.0))


@pytest.mark.parametrize("given", [lambda mixture: mixture, shifted], ids=["itself", "shifted"])
@pytest.mark.parametrize(
    "make, scale, k, atol",
    [
        (tfd.Logistic, 0.02, 1, 1e-4),
        (tfd.Logistic, 0.116, 2, 1e-4),
        (tfd.Logistic, 0.5, 6, 1e-4),
        (tfd.Logistic, 3.0, 40, 1e-4),
        (tfd.Normal, 0.05, 1, np.log(2)),
        (tfd.Normal, 0.02, 3, np.log(6 / 5)),
        (tfd.Normal, 0.5, 3, np.log(6 / 5)),
        (tfd.Normal, 3.0, 15, 0.02),
    ],
)
def test_upper_tail_of_a_symmetric_mixture_is_as_probable_as_the_lower_one(
    make, scale, k, atol, given
):
    variables = tf.constant([100.0, 100.0]), tf.constant(scale)
    with tf.GradientTape() as tape:
        tape.watch(variables)
        mixture = given(even_mixture(make(*variables)))
        log_prob = Discretized(mixture).log_prob([100.0 - k, 100.0 + k])
    expected = Discretized(make(100.0, scale)).log_prob(100.0 + k)
    np.testing.assert_allclose(log_prob[0], expected, rtol=1e-5)
    np.testing.assert_allclose(log_prob[1], expected, rtol=1e-5, atol=atol)
    for gradient in tape.gradient(log_prob, variables):
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    "make, scale, k, atol",
    [
        (tfd.Logistic, 0.5, 60, 1e-4),
        (tfd.Logistic, 3.0, 300, 1e-4),
        (tfd.Normal, 0.5, 10, 0.1),
        (tfd.Normal, 3.0, 60, 0.1),
    ],
)
def test_bins_at_the_ends_of_a_mixture_hold_its_tails(make, scale, k, atol):
    loc, low, high = 500.0, 500 - k, 500 + k
    discrete = Discretized(even_mixture(make([loc, loc], scale)), low, high)
    expected = Discretized(make(loc, scale), low, high).log_prob(float(low))
    np.testing.assert_allclose(discrete.log_prob([low, high]), [expected, expected], atol=atol)


def test_bin_that_density_ends_in():
    flat = even_mixture(tfd.Uniform([0.0, 0.0], 1e5 + 0.2))
    log_prob = Discretized(flat).log_prob([-5.0, 5e4, 1e5, 1e5 + 5])
    np.testing.assert_allclose(log_prob, [-np.inf, -np.log(1e5), -np.log(1e5), -np.inf], rtol=1e-5)


@pytest.mark.parametrize("inner", [tfd.Normal(3.0, 1.0), gaussians(tf.constant(3.0), 1.0)])
@pytest.mark.parametrize("low, high", [(0, 20), (None, None)])
def test_nan_gives_nan(inner, low, high):
    discrete, y = Discretized(inner, low, high), [np.nan, 3.0]
    for method in (discrete.log_prob, discrete.log_cdf, discrete.log_survival_function):
        assert np.isnan(method(y)).tolist() == [True, False]


def test_values_are_checked_if_asked_to():
    inner = tfd.Normal(3.0, 1.0)
    strict = Discretized(inner, 0, 20, validate_args=True)
    np.testing.assert_array_equal(
        strict.log_prob([0, 20]), Discretized(inner, 0, 20).log_prob([0, 20])
    )
    for y in (0.5, -1.0, 21.0, np.nan):
        with pytest.raises(tf.errors.InvalidArgumentError, match="integers from 0 to 20"):
            strict.log_prob(y)
    with pytest.raises(tf.errors.InvalidArgumentError, match="should be integers"):
        Discretized(inner, validate_args=True).log_prob(0.5)


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


@pytest.mark.parametrize(
    "inner", [tfd.Uniform(-0.5, 9.5), tfd.TruncatedNormal(4.0, 3.0, -0.5, 9.5)], ids=type
)
def test_where_a_density_ends_between_bins_there_is_no_more_mass(inner):
    prob = Discretized(inner).prob(np.arange(-2.0, 12.0)).numpy()
    np.testing.assert_allclose(prob.sum(), 1.0, rtol=1e-5)
    assert (prob[:2] == 0).all() and (prob[-2:] == 0).all() and (prob[2:-2] > 0).all()


def test_gradients_are_finite_where_a_density_ends():
    end = tf.constant(9.5)
    with tf.GradientTape() as tape:
        tape.watch(end)
        log_prob = Discretized(tfd.Triangular(-0.5, end, 3.0)).log_prob([0.0, 1.0, 2.0, 10.0])
    assert np.isfinite(tape.jacobian(log_prob, end)[:3]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("method", ["log_prob", "log_cdf", "log_survival_function"])
def test_graphs_give_the_same_in_any_dtype(method, dtype):
    discrete = Discretized(tfd.Logistic(tf.constant(3.0, dtype), 0.5), 0, 9)
    apply, y = getattr(discrete, method), tf.range(-1.0, 11.0)
    np.testing.assert_allclose(tf.function(apply)(y), apply(y), rtol=1e-5)


@pytest.mark.parametrize("end", [-3e3, 1e4, 3e4])
def test_bins_at_the_ends_hold_heavy_tails(end):
    low, high = (None, end) if end > 0 else (end, None)
    found = Discretized(tfd.StudentT(1.0, 0.0, 1.0), low, high).log_prob(end)
    np.testing.assert_allclose(found, np.log(scipy.stats.t(1.0).sf(abs(end) - 0.5)), atol=0.05)


@pytest.mark.parametrize(
    "distribution", [tfd.Bernoulli(0.5), tfd.QuantizedDistribution(tfd.Normal(0.0, 1.0))]
)
def test_what_is_discrete_already_is_refused(distribution):
    with pytest.raises(ValueError, match="should be of a continuous variable.*Received: "):
        Discretized(distribution)


@pytest.mark.parametrize("ends", [{"low": 0.5}, {"high": np.nan}, {"low": 0, "high": 9.5}])
def test_ends_that_are_no_integers_are_refused(ends):
    with pytest.raises(ValueError, match=f"`{[*ends][-1]}` should be a whole number. Received: "):
        Discretized(tfd.Normal(3.0, 1.0), **ends)
