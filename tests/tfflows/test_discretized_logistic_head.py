"""The layer that gives the parameters of a discretized mixture."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfflows.distributions import DiscretizedLogisticHead


@pytest.mark.parametrize("channels, low, high", [(1, 0, 255), (3, 0, 255), (1, -5, 5)])
def test_head_starts_near_the_uniform_distribution(channels, low, high):
    head = DiscretizedLogisticHead(channels, 5, low, high)
    outputs = head(np.random.RandomState(0).normal(size=(6, 4)))
    assert outputs.shape == (6, head.num_parameters)
    y = np.random.RandomState(1).randint(low, high + 1, [400, 6, channels])
    log_prob = head.distribution(outputs).log_prob(y)
    uniform = -channels * np.log(high - low + 1)
    assert abs(np.mean(log_prob) / uniform - 1) < 0.15


def first_nll(head, y):
    """Before features matter, nats a channel."""
    parameters = tf.broadcast_to(head.dense.bias, [len(y), head.num_parameters])
    return -float(tf.reduce_mean(head.distribution(parameters).log_prob(y))) / y.shape[-1]


@pytest.mark.parametrize("channels, within", [(1, 0.3), (3, 1.1)])
def test_head_adapts_to_the_marginal(channels, within):
    y = np.concatenate([np.zeros(700), np.full(200, 253), np.linspace(2, 250, 100).round()])
    y = np.random.RandomState(0).permutation(np.tile(y, 20))  # more than are looked at
    entropy = np.log(10) - 0.7 * np.log(7) - 0.2 * np.log(2) + 0.1 * np.log(100)
    y = np.stack([np.roll(y, i) for i in range(channels)], -1)
    head = DiscretizedLogisticHead(channels, num_components=10, dtype="mixed_bfloat16")
    head.build((None, 4))
    assert first_nll(head, y) > entropy + 2
    head.adapt(y)
    assert entropy < first_nll(head, y) < entropy + within


def test_head_adapts_to_all_columns_of_images():
    """128 images of 28x28 are some six times as many pixels as are looked at."""
    x = np.full([128, 28, 28, 1], 255.0)
    x[:, :, ::7] = 0.0
    head = DiscretizedLogisticHead(num_components=5)
    head.build((None, 4))
    head.adapt(x)
    assert first_nll(head, x.reshape(-1, 1)) < -(np.log(1 / 7) + 6 * np.log(6 / 7)) / 7 + 0.05


def test_head_adapts_to_constant_data():
    head = DiscretizedLogisticHead(num_components=3)
    head.build((None, 4))
    head.adapt(np.full([5, 2, 1], 128, "uint8"))
    assert np.all(np.isfinite(head.dense.bias))
    assert first_nll(head, np.full([1, 1], 128)) < 1


def test_parameters_of_the_head():
    head = DiscretizedLogisticHead(3, 2, 10, 30, min_log_scale=-3.0)
    assert head.num_parameters == 2 * 10
    outputs = np.random.RandomState(0).normal(size=(4, 20)).astype("float32") * 3
    mixture = head.distribution(outputs)
    np.testing.assert_array_equal(mixture.logits, outputs[:, :2])
    np.testing.assert_allclose(mixture.loc[1, 2, 0], 20 + 10 * outputs[1, 6], rtol=1e-5)
    np.testing.assert_allclose(mixture.coefficients[1, 2, 1], np.tanh(outputs[1, 19]), rtol=1e-5)
    np.testing.assert_allclose(np.min(mixture.log_scale), np.log(10) - 3, rtol=1e-6)
    with pytest.raises(ValueError, match="should be"):
        head.distribution(outputs[:, 1:])


@pytest.mark.parametrize(
    "bad, match",
    [
        ({"num_components": 0}, "`num_components` should be at least 1"),
        ({"num_channels": 0}, "`num_channels` should be at least 1"),
        ({"low": 9, "high": 9}, "`low` should be below `high`"),
        ({"min_log_scale": -61.0}, "`min_log_scale` should be from -60.0 to 60.0"),
        ({"min_log_scale": 61.0}, "`min_log_scale` should be from -60.0 to 60.0"),
    ],
)
def test_bad_arguments_are_refused(bad, match):
    with pytest.raises(ValueError, match=match):
        DiscretizedLogisticHead(**bad)


def test_adapt_takes_vectors_once_there_are_weights():
    head = DiscretizedLogisticHead(num_channels=3, num_components=2)
    with pytest.raises(ValueError, match="is not built: it does not know the size of the features"):
        head.adapt(np.zeros([6, 3]))
    head.build((None, 4))
    with pytest.raises(ValueError, match=r"`y` should be \[..., 3\]. Received: shape \(6,\)"):
        head.adapt(np.zeros(6))


def test_counts_without_an_axis_of_their_own_are_refused_in_training():
    head = DiscretizedLogisticHead(num_components=3, high=20)
    model = keras.Sequential([head])
    model.compile("adam", lambda y, out: -head.distribution(out).log_prob(y))
    with pytest.raises(ValueError, match=r"`y` should be \[..., 1\]. Received: shape \(4,\)"):
        model.fit(np.ones([8, 2]), np.arange(8.0), batch_size=4, verbose=0)


@pytest.mark.parametrize("size", [-1e6, 1e6])
def test_gradients_are_finite_with_the_least_log_scale(size):
    head = DiscretizedLogisticHead(num_components=1, min_log_scale=-60.0)
    outputs = tf.constant([[0.0, 0.5, size]])
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        log_prob = head.distribution(outputs).log_prob([[3.0]])
    assert np.isfinite(log_prob).all() and np.isfinite(tape.gradient(log_prob, outputs)).all()


@pytest.mark.parametrize("size", [-1e6, -100, 60, 90, 1e6])
@pytest.mark.parametrize("part", range(4))
def test_gradients_are_finite_for_outputs_of_any_size(size, part):
    head = DiscretizedLogisticHead(3, 2)
    rows = [slice(0, 2), slice(2, 8), slice(8, 14), slice(14, 20)]
    outputs = np.zeros([1, 20], "float32")
    outputs[:, rows[part]] = size
    outputs = tf.constant(outputs)
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        log_prob = head.distribution(outputs).log_prob([[0.0, 128.0, 255.0]])
    assert np.isfinite(log_prob).all() and np.isfinite(tape.gradient(log_prob, outputs)).all()


def test_head_stays_in_float32_under_mixed_precision():
    head = DiscretizedLogisticHead(3, 2, dtype="mixed_bfloat16")
    features = np.random.RandomState(0).normal(size=(2, 4, 4, 8)).astype("float32")
    outputs = head(tf.cast(features, tf.bfloat16))
    assert head(keras.Input([8])).dtype == outputs.dtype == tf.float32
    assert {w.dtype for w in head.weights} == {"float32"}
    exact = tf.cast(tf.cast(features, tf.bfloat16), tf.float32) @ head.dense.kernel[np.newaxis]
    np.testing.assert_allclose(outputs, exact + head.dense.bias, atol=1e-6)


def test_head_learns_a_conditional_density_and_is_saved(tmp_path):
    random = np.random.RandomState(0)
    x = random.uniform(-1, 1, [2000, 1]).astype("float32")
    y = random.poisson(np.exp(1 + x)).clip(0, 20).astype("float32")
    head = DiscretizedLogisticHead(num_components=3, high=20, name="head")
    model = keras.Sequential([keras.layers.Dense(16, "tanh"), head])
    model.compile(keras.optimizers.Adam(1e-2), lambda y, out: -head.distribution(out).log_prob(y))
    losses = model.fit(x, y, epochs=15, batch_size=100, verbose=0).history["loss"]
    true = -np.mean(tfd.Poisson(np.exp(1 + x)).log_prob(y))
    assert losses[-1] < true + 0.05 < losses[0] - 0.3
    model.save(tmp_path / "model.keras")
    other = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_array_equal(other(x), model(x))
    assert other.layers[-1].get_config() == head.get_config()
    np.testing.assert_allclose(
        other.layers[-1].distribution(other(x)).mean(), np.exp(1 + x), atol=1.0
    )


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_a_component_can_be_as_narrow_with_any_number_of_integers(bits):
    head = DiscretizedLogisticHead(num_components=1, high=2**bits - 1)
    probabilities = head.distribution(tf.constant([0.0, 0.0, -50.0])).prob([[2 ** (bits - 1)]])
    expected = DiscretizedLogisticHead(num_components=1).distribution(
        tf.constant([0.0, 0.0, -50.0])
    )
    np.testing.assert_allclose(probabilities, expected.prob([[128.0]]), rtol=1e-2)


@pytest.mark.parametrize("bad", [np.nan, 21, -1, 0.5, None])
def test_adapt_refuses_what_are_no_values(bad):
    head = DiscretizedLogisticHead(1, 3, high=20)
    head.build((None, 4))
    y = np.full([0 if bad is None else 9, 1], 5.0)
    y[3:4] = bad
    with pytest.raises(ValueError, match="integers from 0 to 20. Received: "):
        head.adapt(y)
