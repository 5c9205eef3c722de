"""What the conditioners must do, beyond what the layers that use them show."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.tfflows.test_tfp import off_identity
from tfflows.layers import Autoregressive
from tfflows.networks import (
    MADE,
    MLP,
    GatedAttention,
    GatedConvolution,
    GatedSelfAttention,
    ResidualConvNet,
    ResidualMLP,
    WeightNormalizedDense,
)

IMAGES = tf.random.stateless_normal([2, 4, 6, 8], [0, 1])


@pytest.mark.parametrize("block", [GatedConvolution(8, 3), GatedSelfAttention(8, 2)])
def test_gated_blocks_start_as_the_identity(block):
    np.testing.assert_array_equal(block(IMAGES), IMAGES)
    off_identity(block)
    assert np.abs(block(IMAGES) - IMAGES).max() > 0.1


@pytest.mark.parametrize("weight_normalization", [False, True])
@pytest.mark.parametrize("network", [ResidualConvNet, ResidualMLP])
def test_residual_blocks_start_as_the_identity_and_move(network, weight_normalization):
    layer = network(8, num_blocks=2, weight_normalization=weight_normalization)
    inputs = IMAGES if network is ResidualConvNet else IMAGES[:, 0, 0]
    with tf.GradientTape() as tape:
        outputs = layer(inputs)
        loss = tf.reduce_sum(outputs**2)
    np.testing.assert_array_equal(outputs, tf.nn.relu(layer.first(inputs)))
    lasts = [block[-1] for block in layer.blocks]
    moving = [layer.gain if weight_normalization else layer.kernel for layer in lasts]
    assert all(np.abs(gradient).max() > 0 for gradient in tape.gradient(loss, moving))


def test_self_attention_is_that_of_keras():
    block = GatedSelfAttention(8, num_heads=2)
    block.build(IMAGES.shape)
    off_identity(block)
    theirs = keras.layers.MultiHeadAttention(2, 4, attention_axes=(1, 2))
    theirs.build(IMAGES.shape, IMAGES.shape)
    kernels = np.reshape(block.projection.kernel, [8, 3, 2, 4])
    biases = np.reshape(block.projection.bias, [3, 2, 4])
    weights = [w for i in range(3) for w in (kernels[:, i], biases[i])]
    theirs.set_weights([*weights, np.eye(8).reshape(2, 4, 8), np.zeros(8)])
    h = IMAGES + block.position
    a, b = tf.split(block.gate(theirs(h, h)), 2, -1)
    np.testing.assert_allclose(block(IMAGES), IMAGES + a * tf.sigmoid(b), atol=1e-5)


@pytest.mark.parametrize(
    "options, sees_all",
    [({}, True), ({"num_heads": 0}, False), ({"max_positions": 23}, False)],
    ids=str,
)
def test_attention_sees_every_pixel_and_convolutions_their_neighbours(options, sees_all):
    network = GatedAttention(8, 1, **{"num_heads": 2} | options)
    network.build(IMAGES.shape)
    off_identity(network)
    with tf.GradientTape() as tape:
        tape.watch(IMAGES)
        corner = network(IMAGES)[:, 0, 0]
    seen = np.abs(tape.gradient(corner, IMAGES)).sum((0, 3)) > 0
    assert seen[:3, :3].all()
    assert seen.all() == sees_all
    assert network(IMAGES).shape == network.compute_output_shape(IMAGES.shape)


def test_dropout_is_for_training():
    network = GatedAttention(8, 1, num_heads=0, dropout=0.5)
    network.build(IMAGES.shape)
    off_identity(network)
    np.testing.assert_array_equal(network(IMAGES), network(IMAGES))
    assert np.abs(network(IMAGES, training=True) - network(IMAGES)).max() > 1e-3


def test_heads_must_share_the_units():
    with pytest.raises(ValueError, match="multiple of `num_heads`"):
        GatedSelfAttention(8, 3)


def test_a_made_is_for_vectors_of_one_length():
    network = MADE([4])
    Autoregressive(network).build((None, 3))
    message = r"'made.*' \(MADE\) was built for x of shape \[batch, 3\]. Received: shape \(2, 4\)"
    with pytest.raises(ValueError, match=message):
        network(np.ones([2, 4], "float32"))
    with pytest.raises(ValueError, match="was built for x"):
        Autoregressive(network).build((None, 4))


@pytest.mark.parametrize("residual", [False, True])
def test_a_made_that_is_narrower_than_its_input_sees_all_of_it(residual):
    layer = MADE([6, 6], 2, activation="tanh", residual=residual)
    layer.build((None, 20))
    off_identity(layer)
    x = tf.random.stateless_normal([1, 20], [0, 1])
    with tf.GradientTape() as tape:
        tape.watch(x)
        last = tf.reduce_sum(layer(x)[:, -1])
    seen = tape.gradient(last, x)[0].numpy() != 0
    # With six units for 19 degrees, those of degree 1, 5, 8, ... are there.
    assert seen[:-1].all() and not seen[-1]


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("units", [2, 6, 30])
def test_a_condition_is_seen_by_every_output_of_a_made(units, residual):
    layer = MADE([units, units], 1, activation="tanh", residual=residual)
    layer.build((None, 20), (None, 3))
    off_identity(layer)
    x, condition = tf.zeros([1, 20]), tf.random.stateless_normal([1, 3], [0, 1])
    with tf.GradientTape() as tape:
        tape.watch([x, condition])
        outputs = layer(x, condition)[..., 0]
    by_x, by_condition = tape.jacobian(outputs, [x, condition])
    assert np.abs(by_condition[0, :, 0]).max(1).min() > 0
    assert not np.triu(by_x[0, :, 0]).any() and by_x[0, -1, 0, 0] != 0


def test_a_made_of_one_unit_takes_no_condition():
    with pytest.raises(ValueError, match="2 or more with a condition"):
        MADE([1], 1).build((None, 4), (None, 3))


def test_weight_normalized_layers_adapt_in_float64():
    layer = WeightNormalizedDense(5, dtype="float64")
    x = np.random.RandomState(0).normal(2.0, 3.0, [50, 4])
    outputs = layer.adapt(x)
    assert outputs.dtype == tf.float64
    np.testing.assert_allclose(np.mean(outputs, 0), 0, atol=1e-12)
    np.testing.assert_allclose(np.std(outputs, 0), 1, rtol=1e-6)


def test_attention_keeps_float64():
    layer = GatedSelfAttention(4, 2, dtype="float64")
    layer.build((None, 3, 3, 4))
    off_identity(layer)
    x, step = tf.random.stateless_normal([1, 3, 3, 4], [0, 1], dtype="float64"), 1e-6
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(layer(x) ** 2)
    slope = tf.reduce_sum(tape.gradient(total, x))
    difference = tf.reduce_sum(layer(x + step) ** 2) - tf.reduce_sum(layer(x - step) ** 2)
    np.testing.assert_allclose(difference / (2 * step), slope, rtol=1e-7)


@pytest.mark.parametrize(
    "network, spread",
    [
        (MLP([64, 64]), ["hidden_0", "hidden_1"]),
        (MLP([64], weight_normalization=True), []),
        (ResidualMLP(64, 1), ["first", "block_0_a"]),
        (MADE([64, 64], 2), ["masked_0", "masked_1"]),
        (MADE([64, 64], 2, residual=True), ["masked_0", "masked_1"]),
    ],
    ids=str,
)
def test_biases_of_hidden_layers_for_vectors_are_spread(network, spread):
    network.build((None, 4))
    layers = [layer for layer in network._flatten_layers() if hasattr(layer, "bias")]
    assert {layer.name for layer in layers} >= set(spread)
    for layer in layers:
        size = np.abs(layer.bias).max()
        bound = np.shape(layer.kernel)[0] ** -0.5 if layer.name in spread else 0.0
        assert 0.8 * bound <= size <= bound
