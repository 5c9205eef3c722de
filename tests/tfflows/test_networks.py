"""What the conditioners must do, beyond what the layers that use them show."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.tfflows.test_tfp import off_identity
from tfflows.networks import GatedAttention, GatedConvolution, GatedSelfAttention

IMAGES = tf.random.stateless_normal([2, 4, 6, 8], [0, 1])


@pytest.mark.parametrize("block", [GatedConvolution(8, 3), GatedSelfAttention(8, 2)])
def test_gated_blocks_start_as_the_identity(block):
    np.testing.assert_array_equal(block(IMAGES), IMAGES)
    off_identity(block)
    assert np.abs(block(IMAGES) - IMAGES).max() > 0.1


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
