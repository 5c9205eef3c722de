"""The formulas of docs/lecture.md that no other test shows; and that the page names what exists."""

import ast
import pathlib
import pydoc
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_probability import bijectors as tfb
from tensorflow_probability import distributions as tfd

from tests.tfflows.test_tfp import off_identity
from tfflows import MAF, FlowModel, RealNVP
from tfflows.dequantization import UniformDequantization, VariationalDequantization
from tfflows.layers import ActNorm, Autoregressive, BatchNormalization, Chain, Coupling
from tfflows.networks import MADE, MLP

ROOT = pathlib.Path(__file__).parents[2]
PAGE = ROOT / "docs" / "lecture.md"


def data(*shape, seed=0):
    return tf.constant(np.random.RandomState(seed).normal(size=shape).astype("float32"))


@pytest.mark.parametrize("model", [MAF, RealNVP])
def test_change_of_variables_gives_a_density(model):
    model = model(2, (8,), activation="tanh")
    model.build((None, 2))
    off_identity(model)
    z, log_det = model.flow(data(4, 2))
    expected = tfd.MultivariateNormalDiag(tf.zeros(2)).log_prob(z) + log_det
    np.testing.assert_allclose(model.log_prob(data(4, 2)), expected, atol=1e-5)
    axis = np.linspace(-12, 12, 241, dtype="float32")
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    integral = np.exp(model.log_prob(grid)).sum() * (axis[1] - axis[0]) ** 2
    np.testing.assert_allclose(integral, 1.0, atol=5e-3)


def test_log_dets_of_a_chain_add_up():
    layers = [
        ActNorm(name="a"),
        Coupling("half", MLP([8]), name="b"),
        Autoregressive(MADE([8]), name="c"),
    ]
    chain = Chain(layers)
    chain.build((None, 4))
    off_identity(chain)
    x = value = data(5, 4)
    total = 0.0
    for layer in layers:
        value, log_det = layer(value)
        total += log_det
    z, log_det = chain(x)
    np.testing.assert_allclose(z, value)
    np.testing.assert_allclose(log_det, total, atol=1e-6)


def test_forward_kl_on_data_is_reverse_kl_on_latents():
    model = MAF(2, (8,))
    model.build((None, 3))
    off_identity(model)
    truth = tfd.MultivariateNormalDiag([1.0, 0.0, -1.0], [0.5, 1.0, 2.0])
    of_truth = tfd.TransformedDistribution(truth, tfb.Invert(model.flow.bijector()))
    x = truth.sample(200, seed=[0, 1])
    z = model.encode(x)
    base = model.base.distribution()
    # The integrand of KL(truth || model) at x is that of KL(pushed truth || base) at z = f(x).
    on_data = truth.log_prob(x) - model.log_prob(x)
    on_latents = of_truth.log_prob(tf.identity(z)) - base.log_prob(z)
    np.testing.assert_allclose(on_data, on_latents, atol=2e-3)
    assert np.mean(on_data) > 0


def test_fit_follows_the_gradient_of_the_forward_kl():
    model = RealNVP(2, (8,))
    x = data(64, 2)
    model.build((None, 2))
    off_identity(model)
    with tf.GradientTape() as tape:
        divergence = -tf.reduce_mean(model.log_prob(x))  # and the entropy of the data, a constant
    weights = [w.value for w in model.trainable_variables]
    expected = [w - 0.01 * g for w, g in zip(weights, tape.gradient(divergence, weights))]
    model.compile(keras.optimizers.SGD(0.01))
    history = model.fit(x, batch_size=64, verbose=0).history
    np.testing.assert_allclose(history["nll"][0], divergence, atol=1e-4)
    for weight, value in zip(model.trainable_variables, expected):
        np.testing.assert_allclose(weight, value, atol=1e-5)


@pytest.mark.parametrize("family", ["additive", "affine"])
def test_gaussian_autoregressive_flow(family):
    layer = Autoregressive(MADE([16]), family)
    layer.build((None, 3))
    off_identity(layer)
    x = data(5, 3)
    z, log_det = layer(x)
    parameters = layer.network(x)
    mean = parameters[..., 0]
    raw = parameters[..., 1] if family == "affine" else tf.zeros_like(mean)
    log_scale = 5.0 * tf.tanh(raw / 5.0)
    np.testing.assert_allclose(z, (x - mean) * tf.exp(-log_scale), atol=1e-5)
    np.testing.assert_allclose(log_det, -tf.reduce_sum(log_scale, -1), atol=1e-5)
    conditionals = tfd.Normal(mean, tf.exp(log_scale))
    log_prob = FlowModel(layer)
    log_prob.build((None, 3))
    expected = tf.reduce_sum(conditionals.log_prob(x), -1)
    np.testing.assert_allclose(log_prob.log_prob(x), expected, atol=1e-4)


class FirstHalfOnly(keras.layers.Layer):
    """A conditioner that sees the first half only, and leaves it as it is."""

    def __init__(self, coupling):
        super().__init__()
        self.coupling = coupling
        self.num_parameters = coupling.family.num_parameters

    def build(self, x_shape, condition_shape=None):
        """The coupling is built."""

    def call(self, x, condition=None):
        kept, changed = self.coupling.mask.split(x)
        outputs = self.coupling.head(self.coupling.network(kept))
        outputs = tf.reshape(outputs, [-1, changed.shape[-1], self.num_parameters])
        return tf.pad(outputs, [[0, 0], [kept.shape[-1], 0], [0, 0]])

    def sequential(self, invert, z, condition=None):
        x = z
        for _ in range(2):  # the first half, and what depends on it
            x, log_det = invert(z, self(x))
        return x, tf.reduce_sum(log_det, -1)


@pytest.mark.parametrize("family", ["additive", "affine", "rational_quadratic_spline"])
def test_coupling_is_a_special_case_of_autoregression(family):
    coupling = Coupling("half", MLP([8]), family)
    coupling.build((None, 5))
    off_identity(coupling)
    autoregressive = Autoregressive(FirstHalfOnly(coupling), family)
    autoregressive.build((None, 5))
    x = data(6, 5)
    for method in ("forward_and_log_det", "inverse_and_log_det"):
        for ours, special in zip(getattr(coupling, method)(x), getattr(autoregressive, method)(x)):
            np.testing.assert_allclose(ours, special, atol=1e-5)


def test_act_norm_standardizes_the_batch_it_adapts_to():
    layer = ActNorm()
    layer.build((None, 3))
    x = 4.0 * data(50, 3) + 2.0
    layer.adapt(x)
    z, log_det = layer(x)
    np.testing.assert_allclose(np.mean(z, 0), np.zeros(3), atol=1e-5)
    np.testing.assert_allclose(np.std(z, 0), np.ones(3), atol=1e-5)
    np.testing.assert_allclose(log_det, 50 * [-np.log(np.std(x, 0)).sum()], atol=1e-5)


def test_batch_normalization_is_that_of_keras_at_inference():
    ours = BatchNormalization(momentum=0.5, epsilon=1e-3)
    theirs = keras.layers.BatchNormalization(momentum=0.5, epsilon=1e-3, scale=False, center=False)
    ours.build((None, 3))
    for seed in range(3):
        x = 4.0 * data(50, 3, seed=seed) + 2.0
        z, _ = ours(x, training=True)
        theirs(x, training=True)
    np.testing.assert_allclose(ours(x)[0], theirs(x), atol=1e-4)
    np.testing.assert_allclose(z, ours(x)[0], atol=1e-5)
    back, log_det = ours.inverse_and_log_det(z)
    np.testing.assert_allclose(back, x, atol=1e-4)
    variance = np.asarray(theirs.moving_variance) + 1e-3
    np.testing.assert_allclose(log_det, 50 * [0.5 * np.log(variance).sum()], atol=1e-4)


@pytest.mark.parametrize("bin_width", [1.0, 0.25])
def test_dequantization_bounds_the_log_probability_of_a_bin(bin_width):
    layer = UniformDequantization(bin_width)
    normal = tfd.Normal(0.0, 1.0)
    bins = bin_width * np.arange(-3, 3, dtype="float32")[:, np.newaxis]
    x, log_q = layer(np.repeat(bins, 4000, 0), seed=0)
    bound = np.reshape(normal.log_prob(x)[:, 0] - log_q, [6, 4000])
    exact = np.log(normal.cdf(bins + bin_width) - normal.cdf(bins))[:, 0]
    noise = bound.std(1) / np.sqrt(4000)
    assert (bound.mean(1) <= exact + 4 * noise).all()
    # The bound is that of Jensen: without the logarithm the mean is the probability itself.
    np.testing.assert_allclose(np.log(np.exp(bound).mean(1)), exact, atol=0.05)


def test_bound_of_flow_plus_plus():
    def coupling(name):
        return Coupling("half", MLP([8], "tanh"), "mixture_of_logistics", name=name)

    noise = VariationalDequantization(coupling("noise"), bin_width=0.5, num_levels=4)
    model = FlowModel(Chain([coupling("a"), coupling("b")]), dequantization=noise)
    model.build((None, 3))
    off_identity(model)
    y = 0.5 * tf.constant(np.random.RandomState(0).randint(0, 4, [5, 3]), tf.float32)
    normal = tfd.MultivariateNormalDiag(tf.zeros(3))
    eps = tf.random.stateless_normal([5, 3], [0, 7])
    with tf.GradientTape() as tape:
        tape.watch(eps)
        v, _ = noise.flow(eps, condition=y * 4 / 3 - 1)
        u = tfd.Normal(0.0, 1.0).cdf(v)
    noise_log_det = tf.linalg.slogdet(tape.batch_jacobian(u, eps))[1]
    z, log_det = model.flow(y + 0.5 * u)
    bound = normal.log_prob(z) + log_det + noise_log_det - normal.log_prob(eps) + 3 * np.log(0.5)
    np.testing.assert_allclose(model.log_prob(y, seed=7), bound, atol=1e-4)
    assert np.abs(noise_log_det - 3 * np.log(0.5)).max() > 0.1


def test_log_likelihood_is_the_elbo_of_a_deterministic_vae():
    model = RealNVP(4, (8,), activation="tanh", dtype="float64")
    model.build((None, 3))
    off_identity(model)
    x, prior = tf.cast(data(4, 3), "float64"), tfd.MultivariateNormalDiag(tf.zeros(3, tf.float64))

    def elbo(scale, n=500):
        draws = tf.random.stateless_normal([n, 3], [0, 1], dtype=tf.float64)
        rows = tf.repeat(x, n, 0)
        encoder = tfd.MultivariateNormalDiag(model.encode(rows), scale * tf.ones(3, tf.float64))
        z = encoder.mean() + scale * tf.tile(draws, [len(x), 1])
        with tf.GradientTape() as tape:
            tape.watch(z)
            mean = model.flow.inverse_and_log_det(z)[0]
        factor = scale * tape.batch_jacobian(mean, z)
        covariance = tf.matmul(factor, factor, transpose_b=True)
        decoder = tfd.MultivariateNormalTriL(mean, tf.linalg.cholesky(covariance))
        terms = prior.log_prob(z) + decoder.log_prob(rows) - encoder.log_prob(z)
        return tf.reduce_mean(tf.reshape(terms, [len(x), n]), 1)

    log_prob = model.log_prob(x)
    gaps = [np.abs(elbo(scale) - log_prob).max() for scale in (0.3, 1e-2, 1e-5)]
    assert gaps[0] > 10 * gaps[1] > 100 * gaps[2]
    np.testing.assert_allclose(elbo(1e-5), log_prob, atol=1e-5)


# -- the page ---------------------------------------------------------------------------------


def test_page_names_classes_that_exist():
    names = sorted(set(re.findall(r"`(tfflows(?:\.\w+)+)`", PAGE.read_text())))
    assert len(names) > 10
    assert [name for name in names if pydoc.locate(name) is None] == []


def test_page_names_tests_that_exist():
    named = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.read_text())))
    assert len(named) > 10
    missing = []
    for path, test in named:
        tree = ast.parse((ROOT / path).read_text()) if (ROOT / path).exists() else ast.Module()
        functions = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
        missing += [] if test in functions else [f"{path}::{test}"]
    assert missing == []
