"""What every bijector layer must do, for each row of the table."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.tfflows import model_table
from tests.tfflows.jacobian import jacobian
from tests.tfflows.layer_table import ROWS
from tfflows.layers import Autoregressive, Coupling, Permute
from tfflows.networks import MADE, MLP
from tfflows.weight_paths import weight_paths

each_row = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
CONDITIONAL = [row for row in ROWS if row.condition is not None]
each_conditional = pytest.mark.parametrize("row", CONDITIONAL, ids=[r.name for r in CONDITIONAL])
IN_MODELS = {type(x) for row in model_table.ROWS for x in row.make()._flatten_layers()}
"""What the tests of models export and train on two replicas already."""
FIRST = {type(row.make("float32")): row for row in reversed(ROWS)}
OTHERS = [row for kind, row in FIRST.items() if kind not in IN_MODELS]
each_other = pytest.mark.parametrize("row", OTHERS, ids=[row.name for row in OTHERS])


def model_of(row):
    """The layer of a row as a whole flow, its data's conditions among what it is built for."""
    keras.utils.set_random_seed(0)
    model = tfflows.FlowModel(row.layer())
    model.build((None, *row.shape), None if row.condition is None else (None, *row.condition))
    return model


def test_every_layer_has_a_row():
    of_rows = {type(row.make("float32")) for row in ROWS}
    assert {getattr(tfflows.layers, name) for name in tfflows.layers.__all__} <= of_rows


@each_row
def test_a_keras_file_gives_the_same_layer(row, tmp_path):
    model, x, c = model_of(row), row.data(), row.condition_data()
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.log_prob(x, c), model.log_prob(x, c))


@each_other
def test_an_export_serves_the_layer(row, tmp_path):
    model, x, c = model_of(row), row.data(), row.condition_data()
    model.export(tmp_path / "1")
    served = tf.saved_model.load(str(tmp_path / "1")).signatures
    condition = {} if c is None else {"condition": c}
    z = served["encode"](x=x, **condition)["z"]
    np.testing.assert_allclose(z, model.encode(x, c), atol=1e-5)
    np.testing.assert_allclose(served["decode"](z=z, **condition)["x"], x, atol=1e-4)
    expected = tfflows.load(tmp_path / "1").log_prob(x, c)
    np.testing.assert_allclose(served["log_prob"](x=x, **condition)["log_prob"], expected, 1e-5)


def test_every_layer_with_weights_is_in_a_model():
    """The tests of models train it on two replicas."""
    assert not [row.name for row in OTHERS if row.layer().trainable_weights]


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


@each_conditional
def test_every_example_sees_its_own_condition(row):
    layer, x, c = row.layer(), row.data(), row.condition_data()
    changed = np.array([True, False, True, False])
    other = tf.where(changed.reshape(-1, *[1] * len(row.condition)), c + 1.0, c)
    z, of_other = (np.reshape(layer(x, condition=each)[0], [4, -1]) for each in (c, other))
    np.testing.assert_array_equal(np.abs(of_other - z).max(1) > 1e-3, changed)


@each_row
def test_log_det_is_that_of_the_jacobian(row):
    layer = row.layer("float64")
    x, c = row.data(dtype="float64"), row.condition_data(dtype="float64")
    count = np.prod(row.shape)
    of_copies = None if c is None else tf.repeat(c, count, 0)
    matrix = jacobian(lambda x: layer(x, condition=of_copies)[0], x, count)
    np.testing.assert_allclose(layer(x, condition=c)[1], tf.linalg.slogdet(matrix)[1], atol=1e-9)


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
    with pytest.raises(ValueError, match="condition=None|has no use for one"):
        layer.bijector(None if row.condition else np.zeros([4, 2], "float32"))


@pytest.mark.parametrize("name", ["coupling_condition", "autoregressive_condition"])
def test_an_inverse_without_its_condition_is_refused(name):
    layer = next(r for r in ROWS if r.name == name).layer()
    with pytest.raises(ValueError, match="condition=None"):
        layer.inverse_and_log_det(tf.zeros([4, 5]))


@pytest.mark.parametrize(
    "family", ["affine", "softplus_affine", "additive", "rational_quadratic_spline"]
)
@pytest.mark.parametrize("kind", ["coupling", "autoregressive"])
def test_flows_start_as_the_identity(kind, family):
    layer = Coupling("half", MLP([8]), family)
    if kind == "autoregressive":
        layer = Autoregressive(MADE([8]), family)
    x = np.random.RandomState(0).uniform(-4, 4, (9, 5)).astype("float32")
    z, log_det = layer(x)
    np.testing.assert_allclose(z, x, atol=1e-5)
    np.testing.assert_allclose(log_det, 0, atol=1e-4)


def test_a_permutation_is_drawn_once():
    layers = []
    for _ in range(2):
        keras.utils.set_random_seed(5)
        layers.append(Permute("random"))
    again = Permute.from_config(layers[0].get_config())
    for layer in (*layers, again):
        layer.build((None, 40))
    assert layers[0].seed == layers[1].seed == again.seed
    np.testing.assert_array_equal(again.indices, layers[0].indices)


def test_a_constant_channel_is_adapted_to():
    layer = tfflows.layers.ActNorm()
    x = np.random.RandomState(0).normal(3, 2, (50, 3)).astype("float32")
    x[:, 1] = 7.0
    layer.build(x.shape)
    layer.adapt(x)
    z, log_det = layer(x)
    assert np.isfinite(z).all() and np.isfinite(log_det).all()
    np.testing.assert_allclose(np.std(z, 0)[[0, 2]], 1, rtol=1e-3)


def test_an_inverted_layer_adapts_to_nothing():
    layer = tfflows.layers.Invert(tfflows.layers.ActNorm())
    layer.build((None, 3))
    assert layer.adapted
    x = np.random.RandomState(0).normal(3, 10, (50, 3)).astype("float32")
    layer.adapt(x)
    np.testing.assert_array_equal(layer(x)[0], x)


def test_a_checkerboard_is_for_images():
    with pytest.raises(ValueError, match="checkerboard mask expected images"):
        Coupling("checkerboard", MLP([4])).build((None, 4))
    with pytest.raises(ValueError, match="at least 2 elements"):
        Coupling("half", MLP([4])).build((None,))


def test_units_of_the_data_do_not_matter_to_what_adapts_and_constants_do_not_count():
    rows = np.random.RandomState(0).normal(size=[100, 1])
    x = np.concatenate([1e-7 * (rows + 5), 1e12 + 0.1 + 0 * rows, 0 * rows, 1e9 * rows], -1)
    layer = tfflows.layers.ActNorm(dtype="float64")
    layer.build(x.shape)
    layer.adapt(x)
    std = rows.std()
    np.testing.assert_allclose(np.exp(layer.log_scale), [1e-7 * std, 1, 1, 1e9 * std])


def test_a_condition_at_other_positions_is_refused():
    layer = tfflows.layers.Coupling("channel", tfflows.networks.ConvNet((4, 4)))
    with pytest.raises(ValueError, match=r"of the \(2, 2\) positions"):
        layer.build((None, 2, 2, 4), (None, 4, 4, 1))


@keras.saving.register_keras_serializable("tests")
class Times(tfflows.BijectorLayer):
    """A user's layer that leaves its config to Keras."""

    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def forward_and_log_det(self, x, condition=None):
        log_det = self.num_positions * x.shape[-1] * tf.math.log(self.factor)
        return self.factor * x, self.constant_log_det(x, log_det)

    def inverse_and_log_det(self, z, condition=None):
        log_det = self.num_positions * z.shape[-1] * tf.math.log(self.factor)
        return z / self.factor, self.constant_log_det(z, -log_det)


def test_arguments_of_a_layer_without_a_config_of_its_own_are_saved(tmp_path):
    model, x = tfflows.FlowModel(Times(5.0)), np.ones([3, 2], "float32")
    model.build((None, 2))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    loaded.save(tmp_path / "again.keras")
    loaded = keras.models.load_model(tmp_path / "again.keras")
    assert loaded.flow.factor == 5.0
    np.testing.assert_array_equal(loaded.log_prob(x), model.log_prob(x))


@pytest.mark.parametrize("permutation", [[1, 2, 0], np.array([1, 2, 0])])
def test_a_permutation_may_be_an_array(permutation):
    layer = Permute(permutation)
    np.testing.assert_array_equal(layer(np.array([[1.0, 2.0, 3.0]]))[0], [[2.0, 3.0, 1.0]])
    assert Permute.from_config(layer.get_config()).permutation == (1, 2, 0)


def test_layers_may_come_from_a_generator():
    chain = tfflows.layers.Chain(Permute(seed=i) for i in range(2))
    assert len(chain.layers) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tfflows.layers.Invert(keras.layers.Dense(3)), "`layer` should be a list of"),
        (lambda: Autoregressive(MLP([3])), "`network` should be a `MADE`"),
        (lambda: tfflows.layers.PeriodicConvolution(3.0), "odd, 1 or more. Received: .*=3.0"),
        (lambda: tfflows.layers.EmergingConvolution(3.0), "odd, 1 or more. Received: .*=3.0"),
        (lambda: Coupling("half", MLP([3])).build((None, 4), (None, 5, 3)), r"Received: .*\(5, 3"),
        (lambda: Coupling("half", MLP([3])).build((None, 4), (None,)), r"Received: shape \(\)"),
        (
            lambda: tfflows.networks.MaskedDense([2, 1], [1, 2]).build((None, 2)),
            r"`in_degrees` should be sorted. Received: in_degrees=\[2, 1\]",
        ),
    ],
)
def test_arguments_that_are_none_are_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()


class Features(keras.layers.Layer):
    """A network with neither `build` nor `compute_output_shape`."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(5, "relu")

    def call(self, inputs):
        return tf.concat([self.dense(inputs), inputs], -1)


def test_a_coupling_takes_any_network():
    layer = tfflows.layers.Coupling("half", Features())
    x = np.random.RandomState(0).randn(3, 4).astype("float32")
    layer(x)
    layer.head.kernel.assign(0.1 * np.random.RandomState(1).randn(*layer.head.kernel.shape))
    assert layer.head.kernel.shape == (7, 4) and len(layer.network.weights) == 2
    np.testing.assert_allclose(layer.inverse_and_log_det(layer(x)[0])[0], x, atol=1e-6)


def test_a_log_det_for_each_column_is_refused():
    class Double(tfflows.BijectorLayer):
        def forward_and_log_det(self, x, condition=None):
            return 2 * x, tf.fill([len(x), 1], 1.0)

    with pytest.raises(ValueError, match=r"log_det of shape \[batch\]. Received: shape \(3, 1\)"):
        Double()(np.zeros([3, 2], "float32"))


def test_conditions_of_a_made_are_vectors():
    layer = tfflows.layers.Autoregressive(tfflows.networks.MADE([4]))
    with pytest.raises(ValueError, match=r"conditions that are vectors.*\(None, 5, 2\)"):
        layer.build((None, 3), (None, 5, 2))


@pytest.mark.parametrize("output", ["x", "log_det"])
def test_second_derivatives_of_a_solved_mixture(output):
    family = tfflows.families.MixtureOfLogistics(3)
    raw = tf.constant(np.random.RandomState(0).randn(2, family.num_parameters))
    z = tf.constant([0.3, -1.2], "float64")

    def gradient(z, raw):
        with tf.GradientTape() as tape:
            tape.watch([z, raw])
            x, log_det = family.inverse_and_log_det(z, raw)
            total = tf.reduce_sum(x if output == "x" else log_det)
        return tf.concat(
            [g if g.shape.rank == 2 else g[:, None] for g in tape.gradient(total, [z, raw])], 1
        )

    with tf.GradientTape(persistent=True) as tape:
        tape.watch([z, raw])
        columns = tf.unstack(tf.reduce_sum(gradient(z, raw), 0))
    by_z = np.stack([tape.gradient(column, z) for column in columns], 1)
    step = 1e-5
    expected = (gradient(z + step, raw) - gradient(z - step, raw)) / (2 * step)
    np.testing.assert_allclose(by_z, expected, rtol=1e-5, atol=1e-7)
