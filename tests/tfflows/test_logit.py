"""The logit at the ends of its interval, and beyond."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows.layers import Logit


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "options", [{}, {"alpha": 0.05}, {"low": -100.0, "high": 0.001}, {"low": 100.0, "high": 101.0}]
)
def test_what_comes_back_is_within_and_has_a_density(options, dtype):
    layer = Logit(**options, dtype=dtype)
    z = tf.constant([[-1e4], [-40.0], [0.0], [40.0], [1e4]], dtype)
    layer.build((None, 1))
    x, _ = layer.inverse_and_log_det(z)
    with tf.GradientTape() as tape:
        tape.watch(x)
        again, log_det = layer(tf.identity(x))
    assert np.isfinite(again).all() and np.isfinite(log_det).all()
    assert np.isfinite(tape.gradient(log_det, x)).all()
    assert (np.diff(again[:, 0]) >= 0).all()


def test_there_is_no_density_at_the_ends_and_outside():
    with tf.GradientTape() as tape:
        x = tf.constant([[-0.1], [0.0], [0.5], [1.0], [1.1]])
        tape.watch(x)
        z, log_det = Logit()(x)
    assert np.isfinite(z).all() and np.isneginf(log_det).tolist() == [True, True, False, True, True]
    assert np.isfinite(tape.gradient(log_det, x)).all()
    z, log_det = Logit()(tf.constant([[np.nan]]))
    assert np.isnan(z).all() and np.isnan(log_det).all()


def test_every_column_has_its_own_interval():
    low, high = [0.0, -1.0, 5.0], [1.0, 3.0, 5.5]
    layer, x = Logit(low=low, high=high), np.float32([[0.25, 0.0, 5.1]])
    z, log_det = layer(x)
    columns = [Logit(low=a, high=b)(x[:, i : i + 1]) for i, (a, b) in enumerate(zip(low, high))]
    np.testing.assert_allclose(z, np.concatenate([c[0] for c in columns], -1), rtol=1e-5)
    np.testing.assert_allclose(log_det, sum(c[1] for c in columns), rtol=1e-5)
    again = Logit.from_config(layer.get_config())
    np.testing.assert_array_equal(again(x)[0], z)
    with pytest.raises(ValueError, match="expected `low` to be a number, or as many"):
        layer = Logit(low=low, high=high)
        layer.build((None, 2))
    with pytest.raises(ValueError, match="`low` should be below `high`"):
        Logit(low=low, high=[1.0, -2.0, 6.0])
