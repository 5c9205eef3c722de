"""Training against an unnormalised density: the ELBO against its known normaliser, and HMC."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability import distributions as tfd

import tfflows
from tfflows import IAF, FlowModel, RealNVP
from tfflows.distributions import GaussianMixture
from tfflows.layers import Rescale

BEND, NARROW = 0.5, 0.6


def banana(x):
    """A parabola with Gaussian sections, times e^2."""
    residual = (x[:, 1] - BEND * x[:, 0] ** 2) / NARROW
    return 2.0 - 0.5 * (x[:, 0] ** 2 + residual**2)


LOG_Z_BANANA = 2.0 + math.log(2 * math.pi * NARROW)


def two_modes(x):
    """Two Gaussians that overlap, each of weight 3."""
    centres = tf.constant([[1.2, 0.5], [-1.2, -0.5]])
    squares = tf.reduce_sum((x[:, tf.newaxis] - centres) ** 2, -1)
    return math.log(3.0) + tf.reduce_logsumexp(-0.5 * squares, -1)


LOG_Z_TWO_MODES = math.log(3.0 * 2 * 2 * math.pi)


def fit(model, dim, target, steps, batch_size=256, learning_rate=5e-3):
    model.build((None, dim))
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), target_log_prob=target)
    return model.fit(steps_per_epoch=steps, batch_size=batch_size, verbose=0)


@pytest.mark.parametrize(
    "make, target, log_z, learning_rate, tolerance",
    [
        (lambda: IAF(2, (32,), activation="elu"), banana, LOG_Z_BANANA, 1e-2, 0.1),
        (lambda: RealNVP(4, (24,), activation="tanh"), two_modes, LOG_Z_TWO_MODES, 1e-2, 0.1),
    ],
    ids=["iaf_banana", "realnvp_two_modes"],
)
def test_elbo_reaches_log_z(make, target, log_z, learning_rate, tolerance):
    model = make()
    fit(model, 2, target, 400, learning_rate=learning_rate)
    x = model.sample(8000, seed=0)
    log_weight = (target(x) - model.log_prob(x)).numpy()
    elbo, noise = log_weight.mean(), log_weight.std() / math.sqrt(len(log_weight))
    assert elbo <= log_z + 4 * noise
    assert elbo >= log_z - tolerance
    # Importance weights remove the gap between the bound and log Z.
    importance = np.log(np.mean(np.exp(log_weight)))
    np.testing.assert_allclose(importance, log_z, atol=0.1)


def test_reported_loss_is_minus_the_elbo():
    model = RealNVP(2, (8,))
    history = fit(model, 2, banana, 1, batch_size=4096, learning_rate=1e-9)
    x = model.sample(20000, seed=0)
    elbo = np.mean(banana(x) - model.log_prob(x))
    np.testing.assert_allclose(history.history["nll"][0], -elbo, atol=0.15)


def test_samples_without_end_are_refused():
    model = RealNVP(2, (8,))
    model.build((None, 2))
    model.compile("sgd", target_log_prob=banana)
    with pytest.raises(ValueError, match="expected `steps_per_epoch`"):
        model.fit(verbose=0, callbacks=[StopAtOnce()])


class StopAtOnce(keras.callbacks.Callback):
    """So that the test ends if nothing is refused."""

    def on_train_batch_end(self, batch, logs=None):
        raise AssertionError("it was trained")


@pytest.mark.long
def test_bayesian_logistic_regression_agrees_with_hmc():
    datasets = pytest.importorskip("sklearn.datasets")
    features, labels = datasets.load_breast_cancer(return_X_y=True)
    features = (features - features.mean(0)) / features.std(0)
    features = np.concatenate([features, np.ones([len(features), 1])], 1)
    features, labels = tf.constant(features, tf.float32), tf.constant(labels, tf.float32)
    dim = features.shape[1]

    def log_posterior(w):
        logits = tf.matmul(w, features, transpose_b=True)
        likelihood = tfd.Bernoulli(logits=logits).log_prob(labels)
        return tf.reduce_sum(likelihood, -1) - 0.5 * tf.reduce_sum(w**2, -1)

    hmc = hmc_draws(log_posterior, dim)
    model = IAF(2, (64,), activation="tanh")
    fit(model, dim, log_posterior, 3000, batch_size=128, learning_rate=3e-3)
    flow = model.sample(20000, seed=0).numpy()
    std = hmc.std(0)
    assert np.abs((flow.mean(0) - hmc.mean(0)) / std).max() < 0.15
    np.testing.assert_allclose(flow.std(0) / std, np.ones(dim), atol=0.15)


def hmc_draws(log_density, dim, chains=16, draws=2000, burn_in=1000):
    """Draws of HMC with an adapted step, `[chains * draws, dim]`; checks that chains agree."""
    inner = tfp.mcmc.HamiltonianMonteCarlo(log_density, step_size=0.1, num_leapfrog_steps=12)
    kernel = tfp.mcmc.DualAveragingStepSizeAdaptation(
        inner, num_adaptation_steps=int(0.8 * burn_in), target_accept_prob=0.8
    )

    @tf.function
    def run():
        return tfp.mcmc.sample_chain(
            draws,
            tf.zeros([chains, dim]),
            kernel=kernel,
            num_burnin_steps=burn_in,
            trace_fn=None,
            seed=[0, 1],
        )

    samples = run()
    assert np.max(tfp.mcmc.potential_scale_reduction(samples)) < 1.01
    return samples.numpy().reshape(-1, dim)


def test_weights_of_a_mixture_are_learned():
    base = GaussianMixture(2)
    model = FlowModel(Rescale(1.0), base)
    model.build((None, 1))
    base.loc.assign([[-3.0], [3.0]])

    def target(x):
        modes = tf.constant([-3.0, 3.0]), tf.math.log([0.9, 0.1])
        return tf.reduce_logsumexp(modes[1] - (x - modes[0]) ** 2 / 2, -1)

    model.compile(keras.optimizers.Adam(2e-2), target_log_prob=target)
    model.fit(steps_per_epoch=300, batch_size=128, verbose=0)
    np.testing.assert_allclose(tf.nn.softmax(base.logits), [0.9, 0.1], atol=0.03)


def test_a_target_that_is_a_model_is_not_trained():
    target = keras.Sequential([keras.layers.Dense(1, activation="tanh"), keras.layers.Reshape(())])
    target.build((None, 2))
    before = target.get_weights()
    model = RealNVP(2, (4,))
    model.compile("adam", target_log_prob=target)
    model.build((None, 2))
    count = len(model.weights)
    model.compile("adam", target_log_prob=target)
    model.fit(steps_per_epoch=2, batch_size=8, verbose=0)
    assert len(model.weights) == count
    for one, other in zip(before, target.get_weights()):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "target", [lambda x: -tf.reduce_sum(x**2), lambda x: -tf.reduce_sum(x**2, 1, keepdims=True)]
)
def test_a_target_of_another_shape_is_refused(target):
    model = RealNVP(2, (4,))
    model.build((None, 2))
    model.compile("adam", target_log_prob=target)
    with pytest.raises(ValueError, match=r"`target_log_prob` should return .* shape \[batch"):
        model.fit(steps_per_epoch=1, verbose=0)


def test_what_is_not_trained_on_its_own_samples_says_so():
    images = tfflows.Glow(1, 1, 4)
    images.build((None, 4, 4, 1))
    images.compile(target_log_prob=lambda x: tf.zeros(tf.shape(x)[0]))
    with pytest.raises(ValueError, match="flow of continuous data. Received: a Glow, whose"):
        images.fit(steps_per_epoch=1)
    model = RealNVP(2, (4,))
    model.build((None, 2))
    model.compile(target_log_prob=banana)
    with pytest.raises(ValueError, match="expected a model that is trained on data"):
        model.train_on_batch(np.zeros([4, 2], "float32"))
