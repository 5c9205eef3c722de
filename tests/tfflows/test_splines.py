"""Rational-quadratic splines where rounding matters: at knots, and in steep bins."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows.families import RationalQuadraticSpline

SPLINE = RationalQuadraticSpline()


def parameters(count, scale):
    shape = [count, SPLINE.num_parameters]
    return tf.constant(scale * np.random.RandomState(0).normal(size=shape), "float32")


def knots(raw, axis):
    """Inner knots, of x or of y."""
    sizes = tf.split(raw, [SPLINE.num_bins, SPLINE.num_bins, -1], -1)[axis]
    return np.cumsum(SPLINE._bin_sizes(sizes), -1)[:, :-1].astype("float32") - SPLINE.bound


@pytest.mark.parametrize("scale", [1.0, 3.0, 5.0])
def test_nothing_breaks_at_a_knot(scale):
    raw = parameters(2000, scale)
    each = tf.repeat(raw, SPLINE.num_bins - 1, axis=0)
    for axis, apply in enumerate((SPLINE.forward_and_log_det, SPLINE.inverse_and_log_det)):
        at = knots(raw, axis).ravel()
        for ulps in range(-4, 5):
            value = (at.view("int32") + ulps).view("float32")
            with tf.GradientTape() as tape:
                tape.watch(each)
                result, log_det = apply(tf.constant(value), each)
            assert np.isfinite(result).all() and np.isfinite(log_det).all()
            assert np.isfinite(tape.gradient([result, log_det], each)).all()
            if axis == 1:
                np.testing.assert_allclose(
                    SPLINE.forward_and_log_det(result, each)[0], value, atol=2e-3 * scale
                )


@pytest.mark.parametrize(("scale", "atol"), [(1.0, 4e-6), (3.0, 2e-5)])
def test_inverses_lose_nothing_in_steep_bins(scale, atol):
    raw = parameters(100_000, scale)
    x = np.random.RandomState(1).uniform(-SPLINE.bound, SPLINE.bound, len(raw)).astype("float32")
    z, _ = SPLINE.forward_and_log_det(x, raw)
    back, _ = SPLINE.inverse_and_log_det(tf.identity(z), raw)
    np.testing.assert_allclose(SPLINE.forward_and_log_det(back, raw)[0], z, atol=atol)


@pytest.mark.parametrize("scale", [0.0, 1.0])
@pytest.mark.parametrize(
    ("axis", "apply"), [(0, SPLINE.forward_and_log_det), (1, SPLINE.inverse_and_log_det)]
)
def test_slopes_at_knots_are_those_of_the_log_determinant(axis, apply, scale):
    raw = parameters(200, scale)
    at = tf.constant(knots(raw, axis).ravel())
    with tf.GradientTape() as tape:
        tape.watch(at)
        result, log_det = apply(at, tf.repeat(raw, SPLINE.num_bins - 1, axis=0))
    np.testing.assert_allclose(tape.gradient(result, at), np.exp(log_det), rtol=1e-3)
