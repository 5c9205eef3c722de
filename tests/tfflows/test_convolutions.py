"""The invertible convolutions, against the dense matrices that they stand for."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows.layers import (
    AutoregressiveConvolution,
    EmergingConvolution,
    InvertibleLinear,
    PeriodicConvolution,
)
from tfflows.log_abs_det import inverse_by_qr, log_abs_det

SHAPE = (4, 5, 2)
CONVOLUTIONS = {
    "raster": lambda d: AutoregressiveConvolution(2, dtype=d),
    "reversed": lambda d: AutoregressiveConvolution(3, "reversed", dtype=d),
    "emerging": lambda d: EmergingConvolution(seed=1, dtype=d),
    "periodic": lambda d: PeriodicConvolution(seed=1, dtype=d),
}
each = pytest.mark.parametrize("name", CONVOLUTIONS)


def built(name, shape=SHAPE, dtype="float64", noise=0.2):
    layer = CONVOLUTIONS[name](dtype)
    layer.build((None, *shape))
    for seed, weight in enumerate(layer.trainable_weights):
        weight.assign_add(noise * np.random.RandomState(seed).normal(size=weight.shape))
    return layer


def matrix(layer):
    """`M` of `z = x M`, both flat: the images of the unit vectors."""
    size = np.prod(layer.event_shape)
    units = np.eye(size, dtype=layer.flow_dtype).reshape(size, *layer.event_shape)
    return layer(units)[0].numpy().reshape(size, size)


@each
def test_log_det_and_inverse_are_those_of_the_dense_matrix(name):
    layer = built(name)
    dense = matrix(layer)
    z = np.random.RandomState(0).normal(size=(3, *SHAPE))
    x, log_det = layer.inverse_and_log_det(tf.constant(z))
    np.testing.assert_allclose(log_det, np.full(3, -np.linalg.slogdet(dense)[1]), atol=1e-10)
    solved = np.linalg.solve(dense.T, z.reshape(3, -1).T).T.reshape(z.shape)
    np.testing.assert_allclose(x, solved, atol=1e-9)


def test_autoregressive_means_triangular_with_a_positive_diagonal():
    for name, triangle in (("raster", np.triu), ("reversed", np.tril)):
        dense = matrix(built(name))
        np.testing.assert_array_equal(dense, triangle(dense))
        assert (np.diag(dense) > 0).all()


@pytest.mark.parametrize("name", ["emerging", "periodic"])
def test_a_pixel_sees_the_square_around_it(name):
    layer = built(name, (6, 7, 2))
    seen = np.abs(matrix(layer)).reshape(6, 7, 2, 6, 7, 2).max((2, 5))[:, :, 3, 3] > 0
    expected = np.zeros([6, 7], bool)
    expected[2:5, 2:5] = True
    np.testing.assert_array_equal(seen, expected)


def test_opposite_edges_touch():
    layer, x = built("periodic"), np.random.RandomState(0).normal(size=(1, *SHAPE))
    rolled = layer(np.roll(x, (1, 2), (1, 2)))[0]
    np.testing.assert_allclose(rolled, np.roll(layer(x)[0], (1, 2), (1, 2)), atol=1e-12)


@each
@pytest.mark.parametrize("jit", [False, True])
def test_both_directions_have_gradients_in_graphs_and_xla(name, jit):
    layer = built(name, (8, 8, 3), "float32", 0.05)
    x = tf.random.stateless_normal([2, 8, 8, 3], [0, 1])

    @tf.function(jit_compile=jit)
    def round_trip(x):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            z, forward = layer(x)
            back, inverse = layer.inverse_and_log_det(tf.identity(z))
            there = tf.reduce_sum(z**2) + tf.reduce_sum(forward)
            again = tf.reduce_sum(back**2) + tf.reduce_sum(forward + inverse)
        weights = [w.value for w in layer.trainable_weights]
        return back, tape.gradient(there, weights), tape.gradient(again, [x, *weights])

    back, there, (dx, *rest) = round_trip(x)
    np.testing.assert_allclose(back, x, atol=1e-5)
    np.testing.assert_allclose(dx, 2 * x, atol=1e-4)  # as if nothing had happened on the way
    for gradient in rest:
        np.testing.assert_allclose(gradient, np.zeros(gradient.shape), atol=2e-3)
    assert all(np.abs(gradient).max() > 0.1 for gradient in there)


def test_the_graph_of_the_inverse_does_not_grow_with_the_image():
    def operations(size):
        layer = built("emerging", (size, size, 2), "float32")
        function = tf.function(lambda z: layer.inverse_and_log_det(z)[0])
        definition = function.get_concrete_function(tf.zeros([1, size, size, 2])).graph
        return len(definition.as_graph_def().node)

    assert operations(16) == operations(4)


@each
def test_it_starts_as_a_rotation_of_the_channels(name):
    layer = built(name, dtype="float32", noise=0.0)
    x = np.random.RandomState(0).normal(size=(2, *SHAPE)).astype("float32")
    z, log_det = layer(x)
    np.testing.assert_allclose(np.linalg.norm(z, axis=-1), np.linalg.norm(x, axis=-1), rtol=1e-5)
    np.testing.assert_allclose(log_det, np.zeros(2), atol=1e-5)


def test_log_abs_det_of_complex_matrices_and_its_gradient():
    parts = np.random.RandomState(0).normal(size=(2, 3, 4, 4))
    matrices = tf.complex(*tf.constant(parts))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(matrices)
        ours = log_abs_det(matrices) * [1.0, 2.0, 3.0]
        theirs = tf.math.real(tf.linalg.slogdet(matrices)[1]) * [1.0, 2.0, 3.0]
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    gradient = tape.gradient(theirs, matrices)
    np.testing.assert_allclose(tape.gradient(ours, matrices), gradient, atol=1e-12)
    np.testing.assert_allclose(inverse_by_qr(matrices), np.linalg.inv(matrices), atol=1e-12)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="odd, 1 or more. Received: kernel_size=2"):
        EmergingConvolution(2)
    with pytest.raises(ValueError, match="at least 5 x 5"):
        PeriodicConvolution(5).build((None, 4, 8, 2))
    for layer in (AutoregressiveConvolution(), EmergingConvolution(), PeriodicConvolution()):
        with pytest.raises(ValueError, match="expected images"):
            layer.build((None, 4))
    with pytest.raises(ValueError, match='"raster" or "reversed"'):
        AutoregressiveConvolution(order="columns")
    singular = InvertibleLinear(kernel_initializer="zeros")
    with pytest.raises(ValueError, match="invertible matrix"):
        singular.build((None, 3))


@each
def test_batches_of_none_stay_so(name):
    layer = built(name)
    for method in (layer, layer.inverse_and_log_det):
        for function in (method, tf.function(method, [tf.TensorSpec([None, *SHAPE], "float64")])):
            value, log_det = function(tf.zeros([0, *SHAPE], "float64"))
            assert value.shape == (0, *SHAPE) and log_det.shape == (0,)
