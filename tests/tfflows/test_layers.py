"""What every bijector layer must do, for each row of the table."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.tfflows.layer_table import ROWS
from tfflows.weight_paths import weight_paths

each_row = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])


@each_row
def test_round_trip_both_ways(row):
    layer, x, c = row.layer(), row.data(), row.condition_data()
    z, forward = layer(x, condition=c)
    back, inverse = layer.inverse_and_log_det(tf.identity(z), c)
    np.testing.assert_allclose(back, x, atol=1e-4)
    np.testing.assert_allclose(forward, -inverse, atol=2e-4)
    assert forward.shape == (4,) and forward.dtype == tf.float32
    assert tuple(z.shape[1:]) == layer.latent_shape
    again, _ = layer(tf.identity(back), condition=c)
    np.testing.assert_allclose(again, z, atol=1e-3)


@each_row
def test_log_det_is_that_of_the_jacobian(row):
    layer = row.layer("float64")
    x, c = row.data(dtype="float64"), row.condition_data(dtype="float64")
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z, log_det = layer(x, condition=c)
        flat = tf.reshape(z, [len(x), -1])
    jacobian = tape.batch_jacobian(flat, x, experimental_use_pfor=False)
    jacobian = tf.reshape(jacobian, [len(x), flat.shape[1], flat.shape[1]])
    np.testing.assert_allclose(log_det, tf.linalg.slogdet(jacobian)[1], atol=1e-9)


@each_row
def test_bijector_is_the_layer_in_the_direction_of_tfp(row):
    layer, x, c = row.layer(), row.data(), row.condition_data()
    z, log_det = layer(x, condition=c)
    ndims = len(row.shape)
    np.testing.assert_allclose(layer.bijector(c).inverse(x), z, atol=1e-6)
    np.testing.assert_allclose(
        layer.bijector(c).inverse_log_det_jacobian(x, ndims), log_det, atol=1e-5
    )
    np.testing.assert_allclose(layer.bijector(c).forward(tf.identity(z)), x, atol=1e-4)


@each_row
def test_config_remakes_the_layer(row):
    layer, x, c = row.layer(), row.data(), row.condition_data()
    config = keras.saving.serialize_keras_object(layer)
    twin = keras.saving.deserialize_keras_object(config)
    if not twin.built:
        twin.build(**layer.get_build_config())
    assert list(weight_paths(twin)) == list(weight_paths(layer))
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(twin(x, condition=c)[0], layer(x, condition=c)[0])


@each_row
def test_mixed_precision_keeps_the_flow_in_float32(row):
    layer, x, c = row.layer("mixed_bfloat16"), row.data(), row.condition_data()
    z, log_det = layer(x, condition=c)
    assert z.dtype == log_det.dtype == tf.float32
    exact = row.layer()
    exact.set_weights(layer.get_weights())
    np.testing.assert_allclose(log_det, exact(x, condition=c)[1], atol=0.3)


@each_row
def test_gradients_are_finite_far_out(row):
    if not row.total:
        pytest.skip("defined on an interval only")
    layer, c = row.layer(), row.condition_data()
    x = tf.constant(np.sign(row.data().numpy()) * 1e4)
    with tf.GradientTape() as tape:
        tape.watch(x)
        z, log_det = layer(x, condition=c)
        value = tf.reduce_mean(z) + tf.reduce_mean(log_det)
    for gradient in tape.gradient(value, [x, *layer.trainable_weights]):
        if gradient is not None:
            assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", ["act_norm", "autoregressive_condition", "iaf"])
def test_wrong_shapes_and_conditions_are_refused(name):
    row = next(r for r in ROWS if r.name == name)
    layer = row.layer()
    with pytest.raises(ValueError, match=r"expected x of shape \[batch, 5\]"):
        layer(np.zeros([4, 6], "float32"), condition=row.condition_data())
    if row.condition is None:
        with pytest.raises(ValueError, match="has no use for one"):
            layer(row.data(), condition=np.zeros([4, 2], "float32"))
    else:
        with pytest.raises(ValueError, match="condition=None"):
            layer(row.data())
