"""Where TFP has the same bijector, ours agrees with it; where a shortcut is taken, with the plain
computation."""

import math

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_probability import bijectors as tfb
from tensorflow_probability import distributions as tfd

from tests.tfflows.test_tfp import off_identity
from tfflows.families import MixtureOfLogistics, RationalQuadraticSpline
from tfflows.families.logistic_mixture import LogisticMixture
from tfflows.layers import Autoregressive, Coupling, InvertibleLinear, Logit, Permute
from tfflows.networks import MADE, MLP
from tfflows.networks.staircase import Staircase


def data(*shape, seed=0, scale=1.0):
    return tf.constant(scale * np.random.RandomState(seed).normal(size=shape).astype("float32"))


def assert_same(layer, bijector, x, atol=1e-5):
    """The layer is the bijector, whose `inverse` encodes, both ways and with log-determinants."""
    z, log_det = layer(x)
    np.testing.assert_allclose(z, bijector.inverse(x), atol=atol)
    np.testing.assert_allclose(log_det, bijector.inverse_log_det_jacobian(x, 1), atol=atol)
    z = tf.identity(z)
    back, log_det = layer.inverse_and_log_det(z)
    np.testing.assert_allclose(back, bijector.forward(z), atol=10 * atol)
    expected = bijector.forward_log_det_jacobian(tf.identity(z), 1)
    np.testing.assert_allclose(log_det, expected, atol=10 * atol)


def shift_and_log_scale(parameters, bound=5.0):
    shift, raw = tf.unstack(parameters, axis=-1)
    return shift, bound * tf.tanh(raw / bound)


def test_coupling_is_real_nvp():
    layer = Coupling("half", MLP([8]))
    layer.build((None, 5))
    off_identity(layer)

    def conditioner(kept, units):
        return shift_and_log_scale(tf.reshape(layer.head(layer.network(kept)), [-1, units, 2]))

    assert_same(layer, tfb.RealNVP(3, shift_and_log_scale_fn=conditioner), data(6, 5))


@pytest.mark.parametrize("residual", [False, True])
def test_autoregressive_is_masked_autoregressive_flow(residual):
    layer = Autoregressive(MADE([16, 16], residual=residual))
    layer.build((None, 5))
    off_identity(layer)
    bijector = tfb.MaskedAutoregressiveFlow(lambda x: shift_and_log_scale(layer.network(x)))
    assert_same(layer, bijector, data(6, 5))


def test_plu_is_scale_matvec_lu():
    layer = InvertibleLinear("plu", seed=1)
    layer.build((None, 5))
    off_identity(layer)
    diagonal = layer.sign * tf.exp(layer.log_s)
    permutation = np.argmax(layer.permutation, axis=0)
    bijector = tfb.ScaleMatvecLU(tf.linalg.set_diag(layer.triangular, diagonal), permutation)
    # Ours multiplies rows by W from the right, TFP's columns from the left.
    kernel, log_det = layer(tf.eye(5))
    np.testing.assert_allclose(kernel, tf.transpose(bijector.forward(tf.eye(5))), atol=1e-5)
    np.testing.assert_allclose(
        log_det, bijector.forward_log_det_jacobian(tf.eye(5), 1) * tf.ones(5), atol=1e-5
    )
    inverse, _ = layer.inverse_and_log_det(tf.eye(5))
    np.testing.assert_allclose(inverse, tf.transpose(bijector.inverse(tf.eye(5))), atol=1e-4)


@pytest.mark.parametrize("parametrization", ["plu", "qr", "full"])
def test_linear_log_det_is_that_of_the_kernel(parametrization):
    layer = InvertibleLinear(parametrization, seed=1)
    layer.build((None, 6))
    off_identity(layer)
    kernel, log_det = layer(tf.eye(6))
    np.testing.assert_allclose(log_det, 6 * [np.linalg.slogdet(kernel)[1]], atol=1e-4)
    if parametrization != "full":
        np.testing.assert_allclose(log_det[0], np.sum(layer.log_s), atol=1e-5)


def mixture(dtype, *shape, num_components=3, seed=0, scale=1.0):
    raw = np.random.RandomState(seed).normal(size=(3, *shape, num_components))
    return LogisticMixture(*tf.unstack(tf.constant(scale * raw, dtype)))


def test_mixture_of_logistics_is_the_logit_of_the_cdf_of_tfp():
    ours, x = mixture("float64", 7, 3), tf.cast(data(7, 3, scale=3.0), "float64")
    components = tfd.Logistic(ours.means, tf.exp(ours.log_scales))
    theirs = tfd.MixtureSameFamily(tfd.Categorical(ours.log_weights), components)
    value, log_slope = ours.logit_cdf(x)
    cdf = theirs.cdf(x)
    np.testing.assert_allclose(value, tf.math.log(cdf / (1 - cdf)), rtol=1e-6)
    expected = theirs.log_prob(x) - tf.math.log(cdf) - tf.math.log1p(-cdf)
    np.testing.assert_allclose(log_slope, expected, rtol=1e-6, atol=1e-6)


def test_mixture_of_logistics_then_goes_through_the_affine_map():
    raw, x = data(7, 3, 2 + 3 * 4), data(7, 3, seed=1)
    family = MixtureOfLogistics(4)
    bare = tf.concat([tf.zeros_like(raw[..., :2]), raw[..., 2:]], -1)
    (z, log_det), (value, log_slope) = (family.forward_and_log_det(x, p) for p in (raw, bare))
    shift, log_scale = shift_and_log_scale(raw[..., :2])
    np.testing.assert_allclose(z, (value - shift) * tf.exp(-log_scale), atol=1e-5)
    np.testing.assert_allclose(log_det, log_slope - log_scale, atol=1e-5)
    bijector = family.bijector(raw)
    np.testing.assert_allclose(bijector.inverse(x), z)
    np.testing.assert_allclose(bijector.inverse_log_det_jacobian(x, 0), log_det)
    np.testing.assert_allclose(bijector.forward(tf.identity(z)), x, atol=1e-5)


def test_mixture_of_logistics_takes_values_with_axes_in_front_of_those_of_the_parameters():
    family, raw, x = MixtureOfLogistics(3), data(7, 3, 2 + 3 * 3), data(5, 7, 3, seed=1)
    z, log_det = family.forward_and_log_det(x, raw)
    for i in range(5):
        expected = family.forward_and_log_det(x[i], raw)
        np.testing.assert_allclose(z[i], expected[0], atol=1e-5)
        np.testing.assert_allclose(log_det[i], expected[1], atol=1e-5)
    np.testing.assert_allclose(family.inverse_and_log_det(z, raw)[0], x, atol=1e-5)


def test_mixture_of_logistics_starts_near_the_identity():
    x = tf.linspace(-3.0, 3.0, 99)
    for num_components, atol in ((1, 1e-6), (4, 0.06), (32, 0.04)):
        family = MixtureOfLogistics(num_components)
        z, log_det = family.forward_and_log_det(x, tf.zeros([99, family.num_parameters]))
        np.testing.assert_allclose(z, x, atol=atol)
        np.testing.assert_allclose(log_det, np.zeros(99), atol=2 * atol)


@pytest.mark.parametrize("far", [10.0, 1e3, 1e6])
def test_mixture_of_logistics_keeps_its_digits_in_the_tails(far):
    x = far * np.sign(data(7, 3, seed=1))
    (value, log_slope), exact = (mixture(d, 7, 3).logit_cdf(tf.constant(x, d)) for d in (
        "float32", "float64"))  # fmt: skip
    np.testing.assert_allclose(value, exact[0], rtol=1e-6)
    np.testing.assert_allclose(log_slope, exact[1], atol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("reach", [3.0, 1e3])
def test_mixture_of_logistics_is_inverted_to_the_accuracy_of_float32(scale, reach):
    # What x can be found to depends on how steep the map is there.
    mixed = mixture("float32", 2000, scale=scale)
    value = data(2000, seed=1, scale=reach)
    x, log_slope = mixed.solve(value)
    again, expected = mixed.logit_cdf(x)
    rounding = 2.0**-23 * (np.abs(value) + np.exp(log_slope) * (np.abs(x) + 1) + 1)
    np.testing.assert_array_less(np.abs(again - value), 4 * rounding)
    np.testing.assert_array_equal(log_slope, expected)


def test_gradients_of_the_inverse_mixture_are_those_of_the_implicit_function():
    raw = [tf.Variable(r) for r in tf.unstack(data(3, 7, 5, 3))]
    value = tf.Variable(data(7, 5, seed=1))

    @tf.function
    def gradients():
        with tf.GradientTape() as tape:
            x, log_slope = LogisticMixture(*raw).solve(value)
            target = tf.reduce_sum(tf.sin(x) + log_slope)
        return tape.gradient(target, [value, *raw])

    def target(values):
        x, log_slope = LogisticMixture(*values[1:]).solve(values[0])
        return float(tf.reduce_sum(tf.sin(x) + log_slope))

    values = [tf.cast(v, "float64") for v in (value, *raw)]
    for i, gradient in enumerate(gradients()):
        step = 1e-4 * np.random.RandomState(2).normal(size=gradient.shape)
        moved = [[*values[:i], values[i] + s * step, *values[i + 1 :]] for s in (1, -1)]
        expected = (target(moved[0]) - target(moved[1])) / 2
        np.testing.assert_allclose(np.sum(gradient * step), expected, rtol=1e-3)


def spline_arguments(num_bins, shape=(7, 3), bound=3.0):
    raw = data(*shape, 3 * num_bins - 1)
    widths, heights, slopes = tf.split(raw, [num_bins, num_bins, num_bins - 1], -1)

    def sizes(values):
        return 2 * bound * (1e-3 + (1 - 1e-3 * num_bins) * tf.nn.softmax(values))

    offset = math.log(math.expm1(1 - 1e-3))
    return raw, {
        "bin_widths": sizes(widths),
        "bin_heights": sizes(heights),
        "knot_slopes": 1e-3 + tf.nn.softplus(slopes + offset),
        "range_min": -bound,
    }


@pytest.mark.parametrize("num_bins", [2, 8])
def test_spline_family_is_the_spline_of_tfp(num_bins):
    raw, arguments = spline_arguments(num_bins)
    family = RationalQuadraticSpline(num_bins=num_bins, bound=3.0)
    spline = tfb.RationalQuadraticSpline(**arguments)
    x = data(7, 3, seed=1, scale=2.0)  # some outside of the interval
    z, log_det = family.forward_and_log_det(x, raw)
    np.testing.assert_allclose(z, spline.forward(x), atol=1e-5)
    np.testing.assert_allclose(log_det, spline.forward_log_det_jacobian(x, 0), atol=1e-4)
    back, log_det = family.inverse_and_log_det(x, raw)
    np.testing.assert_allclose(back, spline.inverse(x), atol=1e-4)
    np.testing.assert_allclose(
        log_det, spline.inverse_log_det_jacobian(tf.identity(x), 0), atol=1e-4
    )


@pytest.mark.parametrize("size_scale", [1.0, 0.5])
@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_spline_family_has_the_gradients_of_tfp(direction, size_scale):
    raw, _ = spline_arguments(8)
    family = RationalQuadraticSpline(num_bins=8, bound=3.0, size_scale=size_scale)
    x = data(7, 3, seed=1, scale=2.0)
    results = []
    for owner in (family, super(RationalQuadraticSpline, family)):
        with tf.GradientTape() as tape:
            tape.watch([x, raw])
            value, log_det = getattr(owner, f"{direction}_and_log_det")(x, raw)
            total = tf.reduce_sum(tf.sin(value) + log_det)
        results.append([value, log_det, *tape.gradient(total, [x, raw])])
    for ours, theirs in zip(*results):
        np.testing.assert_allclose(ours, theirs, atol=1e-3, rtol=1e-3)


def test_spline_family_on_its_knots_and_ends():
    raw, arguments = spline_arguments(4, shape=(3,))
    family = RationalQuadraticSpline(num_bins=4, bound=3.0)
    knots = -3.0 + tf.cumsum(arguments["bin_widths"], -1)
    heights = -3.0 + tf.cumsum(arguments["bin_heights"], -1)
    for k in range(4):
        z, _ = family.forward_and_log_det(knots[:, k], raw)
        np.testing.assert_allclose(z, heights[:, k], atol=1e-5)
    for end in (-3.0, 3.0):
        z, _ = family.forward_and_log_det(tf.fill([3], end), raw)
        np.testing.assert_allclose(z, 3 * [end], atol=1e-5)


def test_spline_family_comes_back_as_far_as_float32_can():
    """An error of one rounding in z is one of 1 / slope roundings in x."""
    family = RationalQuadraticSpline(bound=3.0)
    raw, x = data(20000, 23), tf.clip_by_value(data(20000, seed=1, scale=2.0), -3.0, 3.0)
    z, log_det = family.forward_and_log_det(x, raw)
    back, _ = family.inverse_and_log_det(z, raw)
    error = np.abs(back - x) * np.minimum(np.exp(log_det), 1.0)
    assert error.max() < 1e-5


def test_permutation_is_that_of_tfp():
    layer, x = Permute("random", seed=1), data(4, 7)
    z, log_det = layer(x)
    theirs = tfb.Permute(layer.indices)
    np.testing.assert_array_equal(z, theirs.forward(x))
    np.testing.assert_array_equal(log_det, 0)
    np.testing.assert_array_equal(layer.inverse_and_log_det(z)[0], x)


def test_the_inverse_of_many_inputs_computes_each_unit_once():
    """A pass for each of the 43 inputs would compute 43 times as many."""
    computed = []

    def count(h):
        computed.append(len(h))  # units of a step are rows there
        return tf.nn.elu(h)

    layer = Autoregressive(MADE([64, 64], activation=count))
    layer.build((None, 43))
    off_identity(layer, 0.05)
    x = data(3, 43)
    z, log_det = layer(x)
    computed.clear()
    found, inverse_log_det = layer.inverse_and_log_det(z)
    assert 128 <= sum(computed) <= 2 * 128
    np.testing.assert_allclose(found, x, atol=1e-4)
    np.testing.assert_allclose(inverse_log_det, -log_det, atol=1e-4)


def test_logit_is_the_inverse_of_the_sigmoid():
    x = tf.constant(np.random.RandomState(0).uniform(0.02, 0.98, (6, 4)).astype("float32"))
    for alpha in (0.0, 0.05):
        layer = Logit(alpha=alpha)
        layer.build((None, 4))
        low, high = -alpha / (1 - 2 * alpha), (1 - alpha) / (1 - 2 * alpha)
        assert_same(layer, tfb.Sigmoid(low=low, high=high), x, atol=2e-5)


ORDERS = ["natural", "reverse", [3, 1, 0, 5, 4, 2]]


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("order", ORDERS, ids=["natural", "reverse", "list"])
@pytest.mark.parametrize("condition", [None, 2])
def test_made_is_autoregressive(order, residual, condition):
    network = MADE([16, 16], num_parameters=2, order=order, residual=residual, activation="elu")
    network.build((None, 6), None if condition is None else (None, condition))
    off_identity(network)
    x = data(3, 6)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        outputs = network(x, None if condition is None else data(3, condition))
    jacobian = tape.batch_jacobian(outputs, x, experimental_use_pfor=False).numpy()
    order = {"natural": range(6), "reverse": range(5, -1, -1)}.get(str(order), order)
    sorted_both = jacobian[:, list(order)][..., list(order)]
    for i in range(6):
        assert (sorted_both[:, i, :, i:] == 0.0).all()
        assert (sorted_both[:, i, :, :i] != 0.0).all()


@pytest.mark.parametrize("order", ORDERS, ids=["natural", "reverse", "list"])
@pytest.mark.parametrize("family", ["affine", "rational_quadratic_spline"])
@pytest.mark.parametrize("condition, residual", [(None, False), (2, True)])
def test_packed_inverse_is_the_plain_one(order, family, condition, residual):
    network = MADE([24, 24], order=order, residual=residual)
    layer = Autoregressive(network, family)
    layer.build((None, 6), None if condition is None else (None, condition))
    off_identity(layer)
    z, c = data(5, 6, scale=2.0), None if condition is None else data(5, condition)
    plain = tf.zeros_like(z)
    for _ in range(6):
        plain, log_det = layer.family.inverse_and_log_det(z, network(plain, c))
    x, packed_log_det = layer.inverse_and_log_det(z, c)
    np.testing.assert_allclose(x, plain, atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(packed_log_det, tf.reduce_sum(log_det, -1), atol=1e-4)


@pytest.mark.parametrize("dim", [1, 2, 3, 9, 43])
def test_packed_inverse_of_any_number_of_inputs(dim):
    layer = Autoregressive(MADE([33, 33], order="reverse"))
    layer.build((None, dim))
    off_identity(layer)
    z = data(5, dim, scale=2.0)
    inverse = tf.function(
        layer.inverse_and_log_det, input_signature=[tf.TensorSpec([None, dim], tf.float32)]
    )
    x, inverse_log_det = inverse(z)
    again, log_det = layer(tf.identity(x))
    np.testing.assert_allclose(again, z, atol=1e-4)
    np.testing.assert_allclose(inverse_log_det, -log_det, atol=1e-4)


DEGREES = {
    "square": (np.arange(8), np.arange(8)),
    "first": (np.arange(1, 6), np.sort(np.arange(17) % 5)),
    "wide": (np.sort(np.arange(19) % 5), np.repeat(np.arange(5), 3)),
    "all_masked": ([3, 4], [0, 1, 2]),
    "none_masked": ([0, 0, 1], [1, 1]),
}


@pytest.mark.parametrize("num_blocks, min_size", [*((n, 0) for n in (1, 2, 3, 4, 7, 50)), (4, 128)])
@pytest.mark.parametrize("name", DEGREES)
def test_staircase_is_the_masked_product(name, num_blocks, min_size):
    degrees_in, degrees_out = map(np.asarray, DEGREES[name])
    staircase = Staircase(degrees_in, degrees_out, num_blocks, min_size)
    mask = (degrees_in[:, None] <= degrees_out).astype("float32")
    given = [data(3, len(degrees_in)), data(*mask.shape, seed=1), data(len(degrees_out), seed=2)]
    results = []
    for dense in (staircase.dense, lambda x, matrix, bias: x @ (matrix * mask) + bias):
        with tf.GradientTape() as tape:
            tape.watch(given)
            value = dense(*given)
            loss = tf.reduce_sum(tf.sin(value))
        results.append([value, *tape.gradient(loss, given)])
    for ours, plain in zip(*results):
        np.testing.assert_allclose(ours, plain, atol=1e-5)
