"""Flow++, beyond the tables."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.tfflows.test_images import assert_networks_alone_are_in
from tests.tfflows.test_tfp import off_identity

OPTIONS = {"num_couplings": (2, 1, 1), "units": 8, "num_blocks": 1, "num_heads": 2, "seed": 1}
OPTIONS |= {"num_noise_couplings": 2, "noise_units": 8}


def flow_plus_plus(**kwargs):
    keras.utils.set_random_seed(0)
    model = tfflows.FlowPlusPlus(**OPTIONS | kwargs)
    model.build((None, 8, 8, 1))
    return model


def pixels(n=8):
    return np.random.RandomState(0).randint(0, 256, (n, 8, 8, 1)).astype("uint8")


def test_pixels_of_eight_bits_come_back():
    model, x = off_identity(flow_plus_plus(), 0.1), pixels()
    z = model.encode(x)
    assert z.shape == (8, 64) and float(tf.math.reduce_std(z)) > 0.1
    np.testing.assert_allclose(model.decode(tf.identity(z)) / 256, (x + 0.5) / 256, atol=1e-4)
    np.testing.assert_array_equal(model.dequantization.discretize(model.decode(z)), x)


def test_samples_are_pixels():
    y = off_identity(flow_plus_plus(num_bits=5), 0.1).sample(50, seed=1).numpy()
    assert y.min() >= 0 and y.max() <= 31 and (y == np.floor(y)).all() and len(np.unique(y)) > 20


def test_noise_starts_near_uniform():
    learned, uniform = flow_plus_plus(), flow_plus_plus(dequantization="uniform")
    uniform.set_weights(learned.weights[: len(uniform.weights)])
    x, log_q = learned.dequantization(pixels(200), seed=1)
    u = x - pixels(200)
    np.testing.assert_allclose(np.histogram(u, 4, (0, 1))[0] / u.numpy().size, 0.25, atol=0.02)
    assert abs(np.mean(log_q)) / 64 < 0.02  # nats a pixel
    bounds = [np.mean(model.log_prob(pixels(200), seed=1)) / 64 for model in (learned, uniform)]
    np.testing.assert_allclose(*bounds, atol=0.02)
    assert uniform.likelihood == learned.likelihood == "lower_bound"


def test_learned_noise_depends_on_the_image_and_is_trained():
    model = flow_plus_plus(num_couplings=(1, 0, 0))
    x = np.minimum(pixels(64), 3)
    before = [w.numpy() for w in model.dequantization.trainable_weights]
    model.compile(keras.optimizers.Adam(1e-2))
    history = model.fit(x, epochs=2, batch_size=16, verbose=0).history
    assert history["nll"][1] < history["nll"][0]
    after = model.dequantization.trainable_weights
    assert all(np.any(a != b.numpy()) for a, b in zip(before, after))
    noise = [model.dequantization(np.full([1, 8, 8, 1], v), seed=1)[0] - v for v in (0, 200)]
    assert np.abs(noise[0] - noise[1]).max() > 1e-3


@pytest.mark.parametrize("memory", ["recompute", "reversible"])
def test_gradients_are_the_same_with_less_memory(memory):
    gradients = []
    for kind in (None, memory):
        model = off_identity(flow_plus_plus(memory=kind), 0.1)
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(model.log_prob(pixels(), seed=1))
        gradients.append(tape.gradient(loss, [w.value for w in model.trainable_weights]))
    for plain, lean in zip(*gradients):
        scale = np.abs(plain).max() + 1e-3
        np.testing.assert_allclose(lean / scale, plain / scale, atol=1e-3)


def test_xla_compiles_all_of_it():
    model = off_identity(flow_plus_plus(num_couplings=(1, 0, 0), num_noise_couplings=1), 0.1)
    y = pixels()

    @tf.function(jit_compile=True)
    def compiled(y):
        # XLA has random numbers of its own, even from a seed.
        bound = model.log_prob(y, seed=(0, 1), num_importance_samples=2)
        x, log_q = model.dequantization(y, seed=(0, 1))
        z, log_det = model.flow(x)
        return bound, x, log_q, z, log_det, model._decode(z, None)

    bound, x, log_q, z, log_det, back = compiled(y)
    assert np.isfinite(bound).all() and np.isfinite(log_q).all()
    np.testing.assert_array_equal(model.dequantization.discretize(x), y)
    for found, expected in zip((z, log_det), model.flow(x)):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(back, x, atol=0.02)


def test_mixed_precision_trains():
    model = flow_plus_plus(dtype="mixed_bfloat16", num_couplings=(1, 1, 0))
    model.compile("adam")
    model.fit(pixels(16), batch_size=8, verbose=0)
    assert model.log_prob(pixels()).dtype == model.encode(pixels()).dtype == tf.float32
    assert_networks_alone_are_in(model, "bfloat16")


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="three numbers"):
        tfflows.FlowPlusPlus(num_couplings=(1, 2))
    with pytest.raises(ValueError, match="divisible by 2"):
        tfflows.FlowPlusPlus(**OPTIONS).build((None, 7, 8, 1))
