"""Integers by a categorical or by logistics: against NumPy, and sums over all integers."""

import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from tests.tfflows.test_discretized_logistic_mixture import (
    check_frequencies,
    check_statistics,
    each_case,
    every_vector,
    numpy_log_prob,
    parameters,
)
from tfflows.distributions import CategoricalLogisticMixture, DiscretizedLogisticMixture


def case(channels, low, high, coefficients, batch=(2,), dtype="float32"):
    """The mixture, and the logarithm of its probabilities in NumPy."""
    values = parameters(channels, 3, high, batch, coefficients=coefficients)
    random = np.random.RandomState(5)
    share_logit = random.normal(size=batch)
    level_logits = 2 * random.normal(size=(*batch, channels, high - low + 1))

    def log_prob(y):
        log_softmax = scipy.special.log_softmax(level_logits, -1)
        indices = np.broadcast_to(y - low, (len(y), *batch, channels)).astype(int)[..., np.newaxis]
        chosen = np.take_along_axis(
            np.broadcast_to(log_softmax, (len(y), *log_softmax.shape)), indices, -1
        )
        by_level = chosen[..., 0].sum(-1) + scipy.special.log_expit(share_logit)
        by_logistics = numpy_log_prob(y, low, high, **values) + scipy.special.log_expit(
            -share_logit
        )
        return np.logaddexp(by_level, by_logistics)

    typed = {name: value.astype(dtype) for name, value in values.items()}
    logistics = DiscretizedLogisticMixture(**typed, low=low, high=high)
    mixture = CategoricalLogisticMixture(
        logistics, share_logit.astype(dtype), level_logits.astype(dtype)
    )
    return mixture, log_prob


@each_case
def test_probabilities_are_those_of_numpy_and_sum_to_one(channels, low, high, coefficients):
    mixture, expected = case(channels, low, high, coefficients)
    assert (mixture.batch_shape, mixture.event_shape) == ((2,), (channels,))
    y = every_vector(channels, low, high)[:, np.newaxis]
    log_prob = tf.function(mixture.log_prob)(y)
    np.testing.assert_allclose(np.exp(log_prob).sum(0), 1.0, atol=1e-5)
    np.testing.assert_allclose(log_prob, expected(y), atol=2e-5)
    beyond = np.full([2, channels], low)
    beyond[0, 0], beyond[1, -1] = low - 1, high + 1
    assert np.isneginf(mixture.log_prob(beyond)).all()


@each_case
def test_samples_have_their_frequencies(channels, low, high, coefficients, n=50000):
    mixture, expected = case(channels, low, high, coefficients)
    y = tf.function(mixture.sample)(n, seed=(0, 1)).numpy()
    assert y.shape == (n, 2, channels) and y.dtype == np.float32
    vectors = every_vector(channels, low, high)
    check_frequencies(y, np.exp(expected(vectors[:, np.newaxis])), low, high)


@pytest.mark.parametrize("share_logit", [-200.0, 0.0, 200.0])
def test_extreme_noise_gives_integers_in_range(share_logit):
    mixture = case(3, 0, 3, True)[0].copy(share_logit=np.full([2], share_logit, "float32"))
    for u in (0.0, 1.0 - 2.0**-24, 1.0):
        y = mixture.from_uniform(np.full([2, 4], u, "float32")).numpy()
        assert ((y == np.round(y)) & (y >= 0) & (y <= 3)).all()


def test_noise_is_broadcast_against_the_batch():
    mixture, _ = case(2, 0, 3, True, batch=(3,))
    u = np.float32([0.3, 0.6, 0.9])
    expected = mixture.from_uniform(np.broadcast_to(u, [3, 3]))
    np.testing.assert_array_equal(mixture.from_uniform(u), expected)
    assert mixture.from_uniform(np.broadcast_to(u, [5, 1, 3])).shape == (5, 3, 2)


def test_many_levels_are_drawn_as_often_as_they_should_be():
    """In float32 the sum of so many probabilities is off by a fifth of a percent."""
    levels = np.zeros([1, 65536])
    levels[0, 0] = np.log(65535 * 9)
    logistics = DiscretizedLogisticMixture([0.0], [[0.0]], [[0.0]], high=65535)
    mixture = CategoricalLogisticMixture(logistics, 50.0, levels)
    y = mixture.from_uniform([[0.0, 0.8995], [0.0, 0.91]]).numpy()
    assert y[0, 0] == 0 and abs(y[1, 0] / 6554 - 1) < 0.01


def test_levels_may_have_no_probability_at_all():
    logistics = DiscretizedLogisticMixture([0.0], [[1.0]], [[0.0]], high=3)
    masked, inf = np.float32([[-np.inf, 0.0, 1.0, -np.inf]]), np.inf
    y = np.float32([[0], [1], [2], [3]])
    mixture, p = CategoricalLogisticMixture(logistics, inf, masked), scipy.special.expit(1)
    np.testing.assert_allclose(mixture.prob(y), [0, 1 - p, p, 0], rtol=1e-5)
    np.testing.assert_allclose(mixture.cdf(y), [0, 1 - p, 1, 1], rtol=1e-5)
    np.testing.assert_allclose(mixture.survival_function(y), [1, p, 0, 0], rtol=1e-5)
    np.testing.assert_allclose(mixture.entropy(), scipy.special.entr([p, 1 - p]).sum(), rtol=1e-5)
    assert int(mixture.mode()[0]) == 2
    variables = tf.constant(0.0), tf.constant(masked)
    for method in ("log_prob", "cdf", "survival_function"):
        for value in (-1.0, 0.0, 2.0, 4.0, inf):
            with tf.GradientTape() as tape:
                tape.watch(variables)
                result = getattr(CategoricalLogisticMixture(logistics, *variables), method)([value])
            for gradient in tape.gradient(result, variables):
                assert np.isfinite(gradient).all(), (method, value)


def test_temperature_draws_nearer_to_the_likeliest_of_all_parts():
    logistics = DiscretizedLogisticMixture([0.0], [[200.0]], [[3.0]], high=999)
    level_logits = np.zeros([1, 1000], "float32")
    level_logits[0, 500], level_logits[0, 700] = 30.0, 31.0
    mixture = CategoricalLogisticMixture(logistics, 2.0, level_logits)
    shares, of_levels = [], []
    for temperature in (1.0, 0.5, 0.1):
        y = mixture.tempered(temperature).sample(5000, seed=1).numpy()
        shares.append(np.mean(y > 450))
        of_levels.append(np.mean(y[y > 450] == 700))
    expected = np.divide(1, np.float32([1, 0.5, 0.1]))
    np.testing.assert_allclose(shares, 1 / (1 + np.exp(-2 * expected)), atol=0.02)
    np.testing.assert_allclose(of_levels, 1 / (1 + np.exp(-expected)), atol=0.03)


@pytest.mark.parametrize("size", [-1e6, -100.0, 0.0, 100.0, 1e6])
def test_log_prob_and_gradients_are_finite_and_nan_gives_nan(size):
    logistics = DiscretizedLogisticMixture([0.0, 1.0], [[9.0, -2.0]], [[0.0, 1.0]], high=3)
    share_logit, levels = tf.constant([size]), tf.constant([[[0.0, size, -size, 1.0]]])
    with tf.GradientTape() as tape:
        tape.watch([share_logit, levels])
        log_prob = CategoricalLogisticMixture(logistics, share_logit, levels).log_prob(
            np.float32([[[0]], [[1]], [[2]], [[3]]])
        )
    assert np.isfinite(log_prob).all()
    for gradient in tape.gradient(log_prob, [share_logit, levels]):
        assert np.isfinite(gradient).all()
    mixture = CategoricalLogisticMixture(logistics, share_logit, levels)
    assert np.isnan(mixture.log_prob([[np.nan], [0.0]])).tolist() == [True, False]


def test_statistics_are_sums_over_all_integers():
    check_statistics(case(1, -3, 4, None)[0])


def test_mean_of_vectors_and_what_is_for_single_numbers():
    mixture, log_prob = case(3, 0, 3, False)
    y = every_vector(3, 0, 3)[:, np.newaxis]
    expected = (np.exp(log_prob(y))[..., np.newaxis] * y).sum(0)
    np.testing.assert_allclose(mixture.mean(), expected, atol=1e-5)
    for name, arguments in {"mode": [], "entropy": [], "cdf": [y]}.items():
        with pytest.raises(NotImplementedError, match=f"`{name}` is for single numbers"):
            getattr(mixture, name)(*arguments)


def test_batches_are_sliced_and_values_may_be_bytes_or_in_float64():
    mixture, _ = case(2, 0, 3, True, batch=(4, 2))
    y = every_vector(2, 0, 3)
    expected = mixture.log_prob(y[:, np.newaxis, np.newaxis])
    sliced = mixture[1:3, 0]
    assert sliced.batch_shape == (2,)
    np.testing.assert_allclose(sliced.log_prob(y[:, np.newaxis]), expected[:, 1:3, 0], atol=1e-6)
    of_bytes = mixture.log_prob(y.astype("uint8")[:, np.newaxis, np.newaxis])
    np.testing.assert_array_equal(of_bytes, expected)
    double, _ = case(2, 0, 3, True, batch=(4, 2), dtype="float64")
    assert double.sample(seed=0).dtype == double.log_prob(y[0]).dtype == tf.float64
    np.testing.assert_allclose(double.log_prob(y[:, np.newaxis, np.newaxis]), expected, atol=1e-5)


def test_bad_arguments_are_refused():
    logistics = DiscretizedLogisticMixture([0.0], [[1.0]], [[0.0]], high=3)
    for shape in ((1, 5), (2, 4), (4,), ()):
        with pytest.raises(ValueError, match=r"`level_logits` should be .* integers from 0 to 3"):
            CategoricalLogisticMixture(logistics, 0.0, np.zeros(shape, "float32"))
    mixture = CategoricalLogisticMixture(logistics, 0.0, np.zeros([1, 4]), validate_args=True)
    with pytest.raises(ValueError, match=r"`y` should be \[..., 1\]. Received: shape \(4, 2\)"):
        mixture.log_prob(np.zeros([4, 2]))
    for y in ([0.5], [4.0]):
        with pytest.raises(tf.errors.InvalidArgumentError, match="should be integers"):
            mixture.log_prob(y)
