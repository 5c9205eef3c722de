"""Discretized mixtures: against sums over all integers, TFP, and NumPy in float64."""

import itertools
import os
import pathlib

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf
from tensorflow_probability import bijectors as tfb
from tensorflow_probability import distributions as tfd

from tfflows.distributions import (
    Discretized,
    DiscretizedLogisticHead,
    DiscretizedLogisticMixture,
)


def parameters(channels, components, high, batch=(), seed=0, coefficients=True):
    random = np.random.RandomState(seed)
    shape = (*batch, channels, components)
    pairs = channels * (channels - 1) // 2
    values = {
        "logits": random.normal(size=(*batch, components)),
        "loc": random.uniform(-0.2 * high, 1.2 * high, shape),
        "log_scale": random.uniform(-1.0, 0.5, shape) + np.log(high / 10),
    }
    if coefficients and pairs:
        values["coefficients"] = random.normal(size=(*batch, pairs, components))
    return {name: value.astype("float32") for name, value in values.items()}


def every_vector(channels, low, high):
    return np.array(list(itertools.product(range(low, high + 1), repeat=channels)))


def numpy_log_prob(y, low, high, logits, loc, log_scale, coefficients=None):
    """In float64, by differences of CDFs; of each vector."""
    logits, loc, log_scale, y = (np.asarray(x, "float64") for x in (logits, loc, log_scale, y))
    total = scipy.special.log_softmax(logits, -1)
    pairs = iter(range(y.shape[-1] ** 2))
    for c in range(y.shape[-1]):
        mean = loc[..., c, :]
        for i in range(c if coefficients is not None else 0):
            centered = y[..., i, np.newaxis] - (low + high) / 2
            mean = mean + coefficients[..., next(pairs), :].astype("float64") * centered
        value, scale = y[..., c, np.newaxis], np.exp(log_scale[..., c, :])
        a = np.where(value == low, -np.inf, (value - 0.5 - mean) / scale)
        b = np.where(value == high, np.inf, (value + 0.5 - mean) / scale)
        a, b = np.where(value > mean, -b, a), np.where(value > mean, -a, b)
        logs = scipy.special.log_expit(np.stack([b, a]))
        signs = np.reshape([1.0, -1.0], [2] + [1] * (logs.ndim - 1))
        total = total + scipy.special.logsumexp(logs, 0, signs)
    return scipy.special.logsumexp(total, -1)


CASES = [(1, 0, 255, None), (1, -3, 4, None), (3, 0, 3, False), (3, 0, 3, True), (4, 1, 3, True)]
each_case = pytest.mark.parametrize("channels, low, high, coefficients", CASES)


def case(channels, low, high, coefficients, batch=(2,)):
    values = parameters(channels, 3, high, batch, coefficients=coefficients)
    return DiscretizedLogisticMixture(**values, low=low, high=high), values


# -- probabilities ----------------------------------------------------------------------------


@each_case
def test_probabilities_sum_to_one(channels, low, high, coefficients):
    mixture, values = case(channels, low, high, coefficients)
    assert (mixture.batch_shape, mixture.event_shape) == ((2,), (channels,))
    y = every_vector(channels, low, high)[:, np.newaxis]
    log_prob = mixture.log_prob(y)
    np.testing.assert_allclose(np.exp(log_prob).sum(0), 1.0, atol=1e-5)
    np.testing.assert_allclose(log_prob, numpy_log_prob(y, low, high, **values), atol=2e-5)
    beyond = np.full([2, channels], low)
    beyond[0, 0], beyond[1, -1] = low - 1, high + 1
    assert np.isneginf(mixture.log_prob(beyond)).all()


def test_is_the_quantized_mixture_of_tfp():
    values = parameters(1, 4, 255, (5,))
    logistic = tfd.Logistic(values["loc"][:, 0], np.exp(values["log_scale"][:, 0]))
    continuous = tfd.MixtureSameFamily(tfd.Categorical(values["logits"]), logistic)
    shifted = tfd.TransformedDistribution(continuous, tfb.Shift(-0.5))
    y = np.arange(256, dtype="float32")[:, np.newaxis]
    expected = tfd.QuantizedDistribution(shifted, low=0.0, high=255.0)
    ours, general = DiscretizedLogisticMixture(**values), Discretized(continuous, 0, 255)
    for method in ("prob", "cdf"):
        found = [getattr(ours, method)(y[..., np.newaxis]), getattr(general, method)(y)]
        for value in found:
            np.testing.assert_allclose(value, getattr(expected, method)(y), atol=2e-6)


def real_pixels():
    shared = os.environ.get("TFFLOWS_SHARED")
    directory = os.environ.get("TFDS_DATA_DIR") or (shared and pathlib.Path(shared) / "tfds")
    if not directory or not (pathlib.Path(directory) / "cifar10").is_dir():
        pytest.skip("no cifar10: TFDS_DATA_DIR (or TFFLOWS_SHARED, with tfds/) has to name it")
    tfds = pytest.importorskip("tensorflow_datasets")
    images = tfds.load("cifar10", split="test[:8]", data_dir=directory, batch_size=-1)
    return images["image"].numpy()


def test_real_pixels_as_in_float64():
    x = real_pixels()
    assert (x == 0).sum() > 10 and (x == 255).sum() > 10
    head = DiscretizedLogisticHead(num_channels=3, num_components=5)
    random = np.random.RandomState(0)
    outputs = random.normal(size=(*x.shape[:-1], head.num_parameters)).astype("float32")
    outputs[..., 5:20] += np.repeat(x / 127.5 - 1, 5, -1)  # near to what they are, and not so near
    outputs[..., 20:35] = random.uniform(-8, 0, outputs[..., 20:35].shape)
    mixture = head.distribution(outputs)
    names = ("logits", "loc", "log_scale", "coefficients")
    values = {name: np.asarray(getattr(mixture, name)) for name in names}
    expected = numpy_log_prob(x, 0, 255, **values)
    assert expected.min() < -100 and np.isfinite(expected).all()
    found = mixture.log_prob(x).numpy()
    np.testing.assert_allclose(found / 3, expected / 3, rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(found.mean() / 3, expected.mean() / 3, atol=1e-5)


def test_log_prob_and_gradients_are_finite_and_right():
    y = np.float32([[0], [1], [127], [128], [254], [255]])
    locs, log_scales = [-1e6, -300, 0, 0.5, 128, 255, 1e6], [-7, -2.1, 0, 5, 12]
    loc, log_scale = np.meshgrid(locs, log_scales, indexing="ij")
    loc = np.stack([loc, loc + 1], -1)[..., np.newaxis, np.newaxis, :]
    log_scale = np.broadcast_to(log_scale[..., np.newaxis, np.newaxis, np.newaxis], loc.shape)
    loc, log_scale = (np.repeat(x, len(y), 2).astype("float32") for x in (loc, log_scale))
    logits = np.broadcast_to(np.float32([0, 1]), loc[..., 0, :].shape)

    def evaluate(dtype):
        values = [tf.constant(x, dtype) for x in (logits, loc, log_scale)]
        with tf.GradientTape() as tape:
            tape.watch(values)
            log_prob = DiscretizedLogisticMixture(*values).log_prob(y)
        return [log_prob, *tape.gradient(log_prob, values)]

    for single, double in zip(evaluate("float32"), evaluate("float64")):
        assert np.isfinite(single).all() and np.isfinite(double).all()
        # At a million, neighbours differ by less than float32 can tell.
        np.testing.assert_allclose(single[1:-1], double[1:-1], rtol=2e-3, atol=2e-3)
    expected = numpy_log_prob(y, 0, 255, logits, loc, log_scale)
    np.testing.assert_allclose(evaluate("float64")[0], expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("log_scale", [-60.0, 60.0])
@pytest.mark.parametrize("loc", [-1e6, 3.0, 1e6])
def test_log_prob_and_gradients_are_finite_at_the_ends_of_the_range(loc, log_scale):
    y = [[0.0], [3.0], [255.0]]
    variables = tf.constant([0.0]), tf.constant([[loc]]), tf.constant([[log_scale]])
    with tf.GradientTape() as tape:
        tape.watch(variables)
        log_prob = DiscretizedLogisticMixture(*variables).log_prob(y)
    assert np.isfinite(log_prob).all()
    for gradient in tape.gradient(log_prob, variables):
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("channels, at", [(1, 0), (3, 0), (3, 2)])
def test_nan_gives_nan(channels, at):
    y = np.ones([2, channels], "float32")
    y[0, at] = np.nan
    for coefficients in (False, True):
        mixture, _ = case(channels, 0, 3, coefficients, batch=())
        assert np.isnan(mixture.log_prob(y)).tolist() == [True, False]
    if channels == 1:
        assert np.isnan(mixture.cdf(y)).tolist() == [True, False]


@pytest.mark.parametrize(
    "channels, shape", [(1, ()), (1, (4,)), (1, (4, 2)), (3, (1,)), (3, (4, 1))]
)
def test_values_of_another_shape_are_refused(channels, shape):
    mixture, _ = case(channels, 0, 3, False, batch=(4,))
    for method in (mixture.log_prob, mixture.prob, mixture.cdf)[: 3 if channels == 1 else 2]:
        with pytest.raises(
            ValueError, match=rf"`y` should be \[..., {channels}\]. Received: shape"
        ):
            method(np.ones(shape))


def test_gradients_are_those_of_float64_differences():
    values, y = parameters(3, 2, 15, (), coefficients=True), np.array([3, 0, 15])
    with tf.GradientTape() as tape:
        tensors = {name: tf.constant(value) for name, value in values.items()}
        tape.watch(tensors)
        log_prob = DiscretizedLogisticMixture(**tensors, high=15).log_prob(y)
    for name, gradient in tape.gradient(log_prob, tensors).items():
        for index in np.ndindex(*gradient.shape):
            step = np.zeros(gradient.shape)
            step[index] = 1e-4
            up, down = (
                numpy_log_prob(y, 0, 15, **values | {name: values[name] + sign * step})
                for sign in (1, -1)
            )
            np.testing.assert_allclose(gradient[index], (up - down) / 2e-4, rtol=1e-3, atol=1e-4)


# -- samples ----------------------------------------------------------------------------------


@each_case
def test_samples_have_their_frequencies(channels, low, high, coefficients, n=50000):
    mixture, _ = case(channels, low, high, coefficients)
    y = tf.function(mixture.sample)(n, seed=(0, 1)).numpy()
    assert y.shape == (n, 2, channels) and y.dtype == np.float32
    vectors = every_vector(channels, low, high)
    check_frequencies(y, np.exp(mixture.log_prob(vectors[:, np.newaxis])), low, high)
    np.testing.assert_array_equal(y, mixture.sample(n, seed=(0, 1)))


def check_frequencies(y, expected, low, high):
    """Of samples `[n, 2, C]`, against the probabilities of every vector, `[..., 2]`."""
    n, _, channels = y.shape
    weights = (high - low + 1) ** np.arange(channels)[::-1]
    for i in range(2):
        found = np.bincount(((y[:, i] - low) @ weights).astype(int), minlength=len(expected)) / n
        errors = 5 * np.sqrt(expected[:, i] / n) + 5 / n
        assert (np.abs(found - expected[:, i]) < errors).all()


def test_noise_of_channels_and_pixels_is_independent():
    mixture = DiscretizedLogisticMixture(
        [0.0], np.full([3, 1], 500.0), np.full([3, 1], 3.0), 0, 999
    )
    y = mixture.sample([2000, 2, 2], seed=1).numpy().reshape([2000, 12])
    assert np.abs(np.corrcoef(y.T) - np.eye(12)).max() < 0.1


def test_extreme_noise_gives_integers_in_range():
    mixture, _ = case(3, 0, 3, True)
    for u in (0.0, 1.0 - 2.0**-24, 1.0):
        y = mixture.from_uniform(np.full([2, 4], u, "float32")).numpy()
        assert ((y == np.round(y)) & (y >= 0) & (y <= 3)).all()


def test_noise_at_its_ends_gives_what_has_some_probability():
    """TensorFlow's uniform numbers are 0 once in eight million times."""
    mixture = DiscretizedLogisticMixture([0.0, -1e4], [[128.0, 20.0]], [[-4.0, -4.0]])
    for u in ([0.5, 0.0], [0.5, 1.0], [1.0, 0.5], [0.0, 0.5]):
        np.testing.assert_array_equal(mixture.from_uniform(u), [128.0])


def test_values_beyond_the_range_have_no_gradient():
    log_scale = tf.constant([[0.0, 0.5]])
    for value in (-1.0, 4.0, np.inf):
        with tf.GradientTape() as tape:
            tape.watch(log_scale)
            mixture = DiscretizedLogisticMixture([0.0, 1.0], [[1.0, 2.0]], log_scale, high=3)
            log_prob, cdf = mixture.log_prob([value]), mixture.cdf([value])
            both = tf.where(tf.math.is_inf(log_prob), 0.0, log_prob) + cdf
        assert np.isneginf(log_prob) and float(cdf) == float(value > 0)
        np.testing.assert_array_equal(tape.gradient(both, log_scale), [[0.0, 0.0]])


def test_temperature_draws_nearer_to_the_likeliest_component():
    mixture = DiscretizedLogisticMixture([0.0, 2.0], [[200.0, 700.0]], [[3.0, 3.0]], high=999)
    shares, spreads = [], []
    for temperature in (1.0, 0.5, 0.1):
        y = mixture.tempered(temperature).sample(5000, seed=1).numpy()
        shares.append(np.mean(y > 450))
        spreads.append(np.std(y[y > 450]))
    assert shares[0] < shares[1] < shares[2] == 1.0
    np.testing.assert_allclose(shares[1], 1 / (1 + np.exp(-4)), atol=0.01)
    np.testing.assert_allclose(np.divide(spreads, spreads[0])[1:], [0.5, 0.1], rtol=0.15)


# -- statistics -------------------------------------------------------------------------------


def test_statistics_are_sums_over_all_integers():
    check_statistics(case(1, -3, 4, None)[0])


def check_statistics(mixture):
    """Of single numbers from -3 to 4, in a batch of two."""
    y = np.arange(-3, 5)[:, np.newaxis, np.newaxis]
    p = mixture.prob(y).numpy()
    np.testing.assert_allclose(mixture.mean()[:, 0], (p * y[..., 0]).sum(0), atol=1e-5)
    np.testing.assert_array_equal(mixture.mode()[:, 0], p.argmax(0) - 3)
    np.testing.assert_allclose(mixture.cdf(y), p.cumsum(0), atol=1e-5)
    np.testing.assert_allclose(mixture.cdf([[-4.0], [7.5]]), [0.0, 1.0])
    survival = mixture.survival_function(y)
    np.testing.assert_allclose(survival[:-1], p[::-1].cumsum(0)[-2::-1], atol=1e-5)
    np.testing.assert_array_equal(survival[-1], [0, 0])
    np.testing.assert_allclose(mixture.survival_function([[-4.0], [7.5]]), [1.0, 0.0])
    np.testing.assert_allclose(mixture.cdf([[0.9], [-2.1]]), [p[:4, 0].sum(), p[:1, 1].sum()], 1e-5)
    np.testing.assert_allclose(mixture.entropy(), -(p * np.log(p)).sum(0), atol=1e-5)
    found = mixture.entropy_estimate(20000, seed=1)
    np.testing.assert_allclose(found, mixture.entropy(), atol=0.03)


def test_survival_function_keeps_its_digits_in_the_tail():
    loc = tf.constant([[100.0]])
    for y in (118.0, 200.0, 254.0, 255.0):
        with tf.GradientTape() as tape:
            tape.watch(loc)
            mixture = DiscretizedLogisticMixture([0.0], loc, [[0.0]])
            log_survival = mixture.log_survival_function([y])
        expected = scipy.special.log_expit(100 - y - 0.5) if y < 255 else -np.inf
        np.testing.assert_allclose(log_survival, expected, rtol=1e-6)
        np.testing.assert_allclose(tape.gradient(log_survival, loc), [[float(y < 255)]], rtol=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_samples_in_any_precision(dtype):
    values = (tf.cast(x, dtype) for x in ([0.0], [[100.0]], [[1.0]]))
    y = DiscretizedLogisticMixture(*values).sample(2000, seed=1)
    assert y.dtype == dtype and (y == tf.round(y)).numpy().all()
    np.testing.assert_allclose(np.mean(np.float64(y)), 100, atol=0.6)


def test_statistics_of_vectors():
    independent, _ = case(3, 0, 3, False)
    dependent, _ = case(3, 0, 3, True)
    y = every_vector(3, 0, 3)[:, np.newaxis]
    p = independent.prob(y).numpy()[..., np.newaxis]
    np.testing.assert_allclose(independent.mean(), (p * y).sum(0), atol=1e-5)
    log_prob = dependent.log_prob(y).numpy()
    entropy = -(np.exp(log_prob) * log_prob).sum(0)
    np.testing.assert_allclose(dependent.entropy_estimate(20000, seed=1), entropy, atol=0.05)
    with pytest.raises(NotImplementedError, match="`mean` is for numbers that do not depend on"):
        dependent.mean()
    for name, arguments in {"mode": [], "entropy": [], "cdf": [y]}.items():
        for mixture in (independent, dependent):
            with pytest.raises(NotImplementedError, match=f"`{name}` is for single numbers"):
                getattr(mixture, name)(*arguments)


# -- conventions of TFP -----------------------------------------------------------------------


def test_batches_are_sliced_copied_and_broadcast():
    mixture, values = case(3, 0, 3, True, batch=(4, 2))
    y = every_vector(3, 0, 3)[:8]
    expected = mixture.log_prob(y[:, np.newaxis, np.newaxis])
    sliced = mixture[1:3, 0]
    assert sliced.batch_shape == (2,)
    np.testing.assert_allclose(sliced.log_prob(y[:, np.newaxis]), expected[:, 1:3, 0], atol=1e-6)
    shared = DiscretizedLogisticMixture(**values | {"logits": np.float32([0, 1, 2])}, high=3)
    assert shared.batch_shape == (4, 2) and shared.sample(5, seed=0).shape == (5, 4, 2, 3)
    assert mixture.copy(logits=tf.cast(values["logits"], tf.float32)).high == 3
    joint = tfd.Independent(mixture, 2)
    np.testing.assert_allclose(
        joint.log_prob(np.zeros([4, 2, 3])), tf.reduce_sum(expected[0]), 1e-5
    )


def test_unsigned_bytes_and_other_dtypes():
    mixture, values = case(1, 0, 255, None)
    y = np.uint8([[7], [255]])
    np.testing.assert_array_equal(mixture.log_prob(y), mixture.log_prob(y.astype("float32")))
    double = {name: value.astype("float64") for name, value in values.items()}
    assert DiscretizedLogisticMixture(**double).sample(seed=0).dtype == tf.float64
    assert DiscretizedLogisticMixture(**double).log_prob(y).dtype == tf.float64


@pytest.mark.parametrize("channels", [1, 3])
def test_ends_of_the_range_may_be_bytes(channels):
    values = parameters(channels, 2, channels)
    of_bytes, of_ints = (
        DiscretizedLogisticMixture(**values, low=low, high=high)
        for low, high in ((np.uint8(100), np.uint8(255)), (100, 255))
    )
    y = np.full([channels], 150.0, "float32")
    np.testing.assert_array_equal(of_bytes.log_prob(y), of_ints.log_prob(y))
    assert of_bytes.middle == of_ints.middle == 177.5
    if channels == 1:
        np.testing.assert_array_equal(of_bytes.mean(), of_ints.mean())


def test_coefficients_of_one_number_are_none():
    values = parameters(1, 2, 1) | {"coefficients": np.zeros([0, 2], "float32")}
    without = DiscretizedLogisticMixture(**parameters(1, 2, 1), high=3).log_prob([1.0])
    found = DiscretizedLogisticMixture(**values, high=3).log_prob([1.0])
    np.testing.assert_array_equal(found, without)


def test_coefficients_of_one_number_leave_its_mean():
    parameters = np.zeros([2]), np.full([1, 2], 3.0), np.zeros([1, 2])
    alone = DiscretizedLogisticMixture(*parameters, high=7)
    empty = DiscretizedLogisticMixture(*parameters, high=7, coefficients=np.zeros([0, 2]))
    np.testing.assert_array_equal(empty.mean(), alone.mean())


def test_bad_arguments_are_refused():
    good = parameters(3, 2, 3)
    for bad in (
        {"low": 3},
        {"low": 0.5},
        {"high": 3.5},
        {"loc": np.zeros([3, 1], "float32")},
        {"loc": np.zeros(2, "float32")},
        {"loc": np.float32(0)},
        {"logits": np.float32(0)},
        {"logits": np.zeros(3, "float32")},
        {"log_scale": np.zeros([1, 2], "float32")},
        {"log_scale": np.zeros([3, 1], "float32")},
        {"log_scale": np.zeros(2, "float32")},
        {"coefficients": good["loc"][:2]},
        {"coefficients": good["loc"][:, :1]},
        {"coefficients": good["loc"][0]},
    ):
        with pytest.raises(ValueError, match="should be"):
            DiscretizedLogisticMixture(**good | {"high": 3} | bad)
    mixture = DiscretizedLogisticMixture(**good, high=3, validate_args=True)
    mixture.sample(3, seed=0)
    for y in ([0.5, 0, 0], [0, 0, 4.0]):
        with pytest.raises(tf.errors.InvalidArgumentError, match="should be integers"):
            mixture.log_prob(y)
    for bad in ({"low": 2, "high": 2}, {"distribution": tfd.MultivariateNormalDiag([0.0], [1.0])}):
        with pytest.raises(ValueError, match="should be"):
            Discretized(**{"distribution": tfd.Normal(0.0, 1.0)} | bad)
