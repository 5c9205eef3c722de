"""What the flows for images must do, beyond the tables."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tfflows.layers import Coupling, MultiScale, Squeeze
from tfflows.networks import MLP


def noisy(model, scale=0.05):
    """The model with its weights moved away from the identity."""
    for seed, weight in enumerate(model.trainable_weights):
        weight.assign_add(scale * np.random.RandomState(seed).normal(size=weight.shape))
    return model


def glow(**kwargs):
    model = tfflows.Glow(num_levels=2, num_steps=2, units=8, seed=1, **kwargs)
    model.build((None, 8, 8, 3))
    return noisy(model)


def pixels(n=8, shape=(8, 8, 3)):
    return np.random.RandomState(0).randint(0, 256, (n, *shape)).astype("uint8")


@pytest.mark.parametrize("alpha", [None, 0.05])
def test_pixels_of_eight_bits_come_back(alpha):
    model, x = glow(alpha=alpha), pixels()
    z = model.encode(x)
    assert z.shape == (8, 192) and float(tf.math.reduce_std(z)) > 0.1
    np.testing.assert_allclose(model.decode(tf.identity(z)) / 256, x / 256, atol=1e-4)
    assert float(tf.reduce_mean(model.bits_per_dim(x))) < 20  # of pixels, not of their rescaling


def test_parts_of_the_latent_can_be_kept():
    model = glow()
    z = model.encode(pixels())
    fine, coarse = model.split_latent(z)
    assert fine.shape == (8, 4, 4, 6) and coarse.shape == (8, 2, 2, 24)
    np.testing.assert_array_equal(model.join_latent([fine, coarse]), z)
    new = model.join_latent([tf.random.stateless_normal(fine.shape, [0, 1]), coarse])
    again = model.split_latent(model.encode(model.decode(new)))
    np.testing.assert_allclose(again[1], coarse, atol=1e-3)
    assert np.abs(again[0] - fine).max() > 0.1


def test_the_first_half_goes_on_and_the_second_is_done():
    x = tf.reshape(tf.range(32.0), [1, 4, 4, 2])
    layer = MultiScale([Squeeze(1, name="same"), Squeeze(2, name="squeeze")])
    done, last = layer.split_latent(layer(x)[0])
    np.testing.assert_array_equal(done, x[..., 1:])
    np.testing.assert_array_equal(last, tf.nn.space_to_depth(x[..., :1], 2))


def test_temperature_narrows_samples():
    model = glow()
    assert model.sample(4, temperature=0.7, seed=1).shape == (4, 8, 8, 3)
    cold = model.encode(model.sample(50, temperature=0.1, seed=1))
    assert float(tf.math.reduce_std(cold)) < 0.2


def test_images_that_cannot_be_halved_are_refused():
    with pytest.raises(ValueError, match=r"divisible by 8. Received: shape \[batch, 28, 28, 1\]"):
        tfflows.Glow(num_levels=3).build((None, 28, 28, 1))
    with pytest.raises(ValueError, match="`linear` should be"):
        tfflows.Glow(linear="lu")
    with pytest.raises(ValueError, match="expected images"):
        Coupling("half", MLP([4]), kernel_size=3).build((None, 4))
    with pytest.raises(ValueError, match="at least 2 channels"):
        MultiScale([Squeeze(1, name="a"), Squeeze(1, name="b")]).build((None, 4, 4, 1))


def test_mixed_precision_trains():
    keras.utils.set_random_seed(1)
    model = tfflows.Glow(num_levels=2, num_steps=1, units=8, seed=1, dtype="mixed_bfloat16")
    model.compile("adam")
    model.fit(pixels(16), batch_size=8, verbose=0)
    assert model.encode(pixels()).dtype == tf.float32


def test_fit_traces_the_flow_once(monkeypatch):
    calls = []
    forward = MultiScale.forward_and_log_det
    monkeypatch.setattr(
        MultiScale,
        "forward_and_log_det",
        lambda self, *args: calls.append(1) or forward(self, *args),
    )
    model = tfflows.Glow(num_levels=1, num_steps=1, units=4, seed=1)
    model.build((None, 8, 8, 1))
    model.adapt(pixels(shape=(8, 8, 1)))
    calls.clear()
    model.compile("adam")
    model.fit(pixels(16, (8, 8, 1)), batch_size=8, verbose=0)
    assert len(calls) == 1
