"""The network of PixelCNN++ beside one written out: whole convolutions with masked kernels."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.tfflows.test_tfp import off_identity
from tfflows.networks import PixelCNN
from tfflows.networks.causal_convolution import CausalConvolution
from tfflows.networks.concat_elu import concat_elu
from tfflows.networks.glu import glu

KINDS = {
    "deep": {"num_levels": 3, "num_blocks": 2, "first_kernel_size": 5},
    "one_level": {"num_levels": 1, "num_blocks": 1, "kernel_size": 5},
    "local": {"num_levels": 1, "num_blocks": 2, "kernel_size": 1, "first_kernel_size": 5},
}
SIZE = 9, 10


def images(n=2):
    return np.random.RandomState(0).uniform(-1, 1, (n, *SIZE, 2)).astype("float32")


def network(kind, units=4):
    keras.utils.set_random_seed(0)
    made = PixelCNN(units, **KINDS[kind])
    made.build((None, *SIZE, 2), (None, 3))
    return off_identity(made, 0.1)


def elu_both(x):
    return tf.nn.elu(tf.concat([x, -x], -1))


def normalized(layer):
    v = np.asarray(layer.direction)
    return v * np.asarray(layer.gain) / np.sqrt((v**2).sum(tuple(range(v.ndim - 1))))


def dense(layer, x):
    return x @ normalized(layer) + np.asarray(layer.bias)


def convolution(layer, x):
    """With a kernel that is zero below the pixel, and, of the right stream, right of it."""
    kernel = normalized(layer)
    rows, columns = kernel.shape[:2]
    right = columns - 1 if layer.stream == "down_right" else 0
    kernel = np.pad(kernel, [[0, rows - 1], [0, right], [0, 0], [0, 0]])
    y = tf.nn.conv2d(x, kernel, 1, "SAME") + np.asarray(layer.bias)
    return y[:, :: layer.strides, :: layer.strides]


def block(layer, x, side, skip, condition):
    h = convolution(layer.first, elu_both(x))
    for other, value in ((layer.side, side), (layer.skip, skip)):
        if value is not None:
            h += dense(other, elu_both(value))
    h = convolution(layer.second, elu_both(h))
    h += (condition @ np.asarray(layer.condition.kernel))[:, np.newaxis, np.newaxis]
    a, b = np.split(np.asarray(h), 2, -1)
    return x + a / (1 + np.exp(-b))


def stream(layer, h, sides, condition):
    """The outputs of all blocks; `sides` are those of the other stream, the first one last."""
    outputs, before = [], [h]

    def step(each, h, skip):
        outputs.append(block(each, h, sides.pop() if sides else None, skip, condition))
        return outputs[-1]

    for each in layer.before:
        h = step(each, h, None)
        before.append(h)
    if layer.lower is None:
        h = before.pop()
    else:
        outputs += stream(layer.lower, convolution(layer.shrink, h), sides, condition)
        size = h.shape[1:3]
        h = tf.nn.depth_to_space(dense(layer.grow, outputs[-1]), 2)[:, : size[0], : size[1]]
    for each in layer.after:
        h = step(each, h, before.pop())
    return outputs


def written_out(layer, x, condition):
    x = np.concatenate([x, np.ones_like(x[..., :1])], -1)
    lower, right = np.zeros_like(x), np.zeros_like(x)
    lower[:, 1:], right[:, :, 1:] = x[:, :-1], x[:, :, :-1]
    sides = None
    if layer.down is not None:
        sides = stream(layer.down, convolution(layer.first_down, lower), None, condition)[::-1]
    h = convolution(layer.first_above, lower) + convolution(layer.first_left, right)
    return tf.nn.elu(stream(layer.down_right, h, sides, condition)[-1])


@pytest.mark.parametrize("kind", KINDS)
def test_the_network_is_that_of_the_paper(kind):
    layer, x, condition = network(kind), images(), np.float32([[1, 0, 0], [0, 0, 1]])
    features = layer(x, condition=condition)
    np.testing.assert_allclose(features, written_out(layer, x, condition), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "bad, match",
    [
        ({"units": 0}, "`units` should be at least 1"),
        ({"num_blocks": 0}, "`num_blocks` should be at least 1"),
        ({"num_levels": 0}, "`num_levels` should be at least 1"),
        ({"num_levels": 2, "kernel_size": 1}, "`num_levels` should be 1"),
        ({"kernel_size": 2}, "`kernel_size` should be odd, 1 or more"),
        ({"first_kernel_size": 1}, "`first_kernel_size` should be odd, 3 or more"),
        ({"dropout": -0.1}, "`dropout` should be 0, or 1/256 to 255/256"),
        ({"dropout": 0.001}, "`dropout` should be 0, or 1/256 to 255/256"),
        ({"dropout": 0.999}, "`dropout` should be 0, or 1/256 to 255/256"),
        ({"dropout": 1.5}, "`dropout` should be 0, or 1/256 to 255/256"),
        ({"memory": "less"}, "`memory` should be None or"),
    ],
)
def test_bad_arguments_are_refused(bad, match):
    with pytest.raises(ValueError, match=match):
        PixelCNN(**bad)


def test_some_pixels_are_for_local_networks():
    with pytest.raises(ValueError, match="`pixels` is for local networks"):
        PixelCNN(4)(images(), pixels=[[0], [1]])


def test_adapt_reaches_every_layer():
    layer, x, condition = network("deep", 8), images(64), np.eye(3, dtype="float32")[[0, 1] * 32]
    layer.adapt(x, condition)
    seen = {}

    def watch(each, inputs, before=lambda x: x):
        outputs = each(before(inputs))
        seen[each] = np.asarray(outputs).reshape(-1, outputs.shape[-1])
        return outputs

    layer.forward(x, condition, watch)
    assert set(seen) == set(layer.kernels())
    for each, outputs in seen.items():
        is_last = isinstance(each, CausalConvolution) and each.name == "second"
        np.testing.assert_allclose(outputs.mean(0), 0, atol=2e-3)
        np.testing.assert_allclose(outputs.std(0), 0.1 if is_last else 1.0, rtol=1e-2)


@pytest.mark.parametrize("dtype, rtol", [("float32", 1e-5), ("bfloat16", 2e-2)])
@pytest.mark.parametrize(
    "function, plain",
    [
        (concat_elu, elu_both),
        (glu, lambda h: tf.split(h, 2, -1)[0] * tf.sigmoid(tf.split(h, 2, -1)[1])),
    ],
    ids=["concat_elu", "glu"],
)
def test_gradients_written_by_hand_are_those_of_autodiff(function, plain, dtype, rtol):
    h = tf.cast(np.random.RandomState(0).normal(0, 2, (50, 6)), dtype)
    wide = tf.cast(h, "float32")
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([h, wide])
        ours = tf.reduce_sum(tf.cast(function(h), "float32") ** 2)
        theirs = tf.reduce_sum(plain(wide) ** 2)
    np.testing.assert_allclose(
        tf.cast(tape.gradient(ours, h), "float32"), tape.gradient(theirs, wide), rtol, 10 * rtol
    )
