"""What every model must do, for each row of the table."""

import pathlib
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_probability import distributions as tfd

import tfflows
from tests.tfflows.model_table import DIM, PIXEL_CNN, ROWS, Row
from tests.tfflows.test_tfp import off_identity
from tfflows.layers import ActNorm, Coupling

IDS = [row.name for row in ROWS]
LONG = {"pixel_cnn", "glow_emerging_recompute", "glow_periodic_reversible"}
"""Whose graphs are made for two replicas in the long tests alone."""
each_trained = pytest.mark.parametrize("trained", ROWS, ids=IDS, indirect=True)


def fitted(row, **kwargs):
    model, (x, c) = row.make(), row.data()
    model.compile(keras.optimizers.Adam(1e-2), **kwargs)
    last = keras.callbacks.EarlyStopping("nll", mode="min", patience=9)  # not in a list
    history = model.fit(x, c, epochs=3, batch_size=64, verbose=0, callbacks=last)
    return model, x, c, history.history


class Trained(NamedTuple):
    row: Row
    model: keras.Model
    x: np.ndarray
    c: np.ndarray | None
    history: dict
    exported: pathlib.Path


@pytest.fixture(scope="module")
def trained(request, tmp_path_factory):
    """The model of a row, fitted and exported once for the tests that look at it."""
    keras.utils.set_random_seed(0)
    model, x, c, history = fitted(request.param)
    exported = tmp_path_factory.mktemp(request.param.name) / "served" / "1"
    model.export(exported, metadata={"answer": 42})
    return Trained(request.param, model, x, c, history, exported)


def is_flow(model):
    return isinstance(model, tfflows.FlowModel)


def some(values, n=8):
    return None if values is None else values[:n]


def test_every_model_and_every_dequantization_has_a_row():
    models = [row.make() for row in ROWS]
    bases = {"DensityModel"}
    assert {type(model).__name__ for model in models} == set(tfflows.models.__all__) - bases
    kinds = {type(getattr(model, "dequantization", None)).__name__ for model in models}
    assert kinds - {"NoneType"} == set(tfflows.dequantization.__all__) - {"Dequantization"}


@each_trained
def test_fit_lowers_the_loss_and_round_trips(trained):
    _, model, x, c, history, _ = trained
    assert history["nll"][-1] < history["nll"][0]
    if is_flow(model):
        z = model.encode(x[:8], some(c))
        np.testing.assert_allclose(model.decode(tf.identity(z), some(c)), x[:8], atol=1e-4)
    expected = model.log_prob(x, c)
    if model.likelihood == "exact":
        np.testing.assert_allclose(model.predict(x, c, verbose=0), expected, rtol=1e-4, atol=1e-4)
    assert np.isfinite(model.predict(x, c, verbose=0)).all()
    logs = model.evaluate(x, c, verbose=0, return_dict=True)
    assert ("bits_per_dim" in logs) == model.is_discrete


@each_trained
def test_every_way_of_saving_gives_the_same_model(trained, tmp_path):
    row, model, x, c, _, exported = trained
    expected = model.log_prob(x[:8], some(c), seed=3)
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    fresh = row.make()
    fresh.build((None, *row.shape), None if c is None else (None, *c.shape[1:]))
    fresh.load_weights(tmp_path / "model.weights.h5")
    again = keras.models.load_model(tmp_path / "model.keras")
    loaded = tfflows.load(exported)
    for other in (fresh, again, loaded):
        np.testing.assert_array_equal(other.log_prob(x[:8], some(c), seed=3), expected)
    assert loaded.adapted == model.adapted
    loaded.compile("adam", run_eagerly=True)  # that a model can be traced is seen above
    loaded.fit(x[:32], some(c, 32), epochs=1, verbose=0)
    assert np.any(loaded.log_prob(x[:8], some(c), seed=3) != expected)


@each_trained
def test_no_layer_lies_in_a_list_within_a_list(trained):
    """Of those, Keras 3.12 saves no weights, and says nothing."""
    for layer in trained.model._flatten_layers():
        for name, value in vars(layer).items():
            lists = isinstance(value, (list, tuple)) and not name.startswith("_")
            nested = [x for x in value if isinstance(x, (list, tuple))] if lists else []
            layers = [x for x in tf.nest.flatten(nested) if isinstance(x, keras.layers.Layer)]
            assert not layers, f"{layer.path}: {name}"


@each_trained
def test_the_served_signatures_are_the_model(trained):
    row, model, x, c, _, exported = trained
    served = tf.saved_model.load(str(exported)).signatures
    stored = np.uint8 if model.num_values else np.float32
    rows = tf.constant(x[:8].astype(stored))
    condition = {}
    if c is not None:
        condition = {"condition": tf.constant(c[:8], tf.int32 if row.labels else tf.float32)}
    out = served["serving_default"](x=rows, **condition)["log_prob"]
    expected = model.log_prob(x[:8], some(c), seed=[[0, 0]])
    np.testing.assert_allclose(out, expected, rtol=1e-6, atol=1e-5)
    assert ("bits_per_dim" in served) == model.is_discrete
    if is_flow(model):
        z = served["encode"](x=rows, **condition)["z"]
        np.testing.assert_allclose(z, model.encode(rows, some(c)), atol=1e-5)
        back = served["decode"](z=z, **condition)["x"]
        there = model.dequantization.middle(rows) if model.num_values else rows
        np.testing.assert_allclose(back, there, atol=1e-4)
    drawn = {"seed": tf.constant([0, 5]), "temperature": tf.constant(1.0), **condition}
    sample = served["sample"](n=tf.constant(8), **drawn)["x"]
    expected = tf.cast(model.sample(8, some(c), seed=5), stored)
    np.testing.assert_allclose(np.asarray(sample, float), expected, atol=1e-5)
    for endpoint in ("log_prob", *["encode"] * is_flow(model)):
        wrong = tf.zeros([8, *row.shape[:-1], row.shape[-1] + 1], stored)
        with pytest.raises(Exception, match="(?i)shape|incompatible"):
            served[endpoint](x=wrong, **condition)


def still(draw, shape, seed, axis=0, dtype=tf.float32):
    """Noise that is the same for one replica and for two, of which each draws its own."""
    return tf.fill(shape, tf.cast(0.3, dtype))


@pytest.mark.parametrize(
    "row", [pytest.param(r, id=r.name, marks=[pytest.mark.long] * (r.name in LONG)) for r in ROWS]
)
def test_two_replicas_train_to_the_weights_of_one(row, two_replicas, monkeypatch):
    for kind in ("uniform", "variational"):
        where = f"tfflows.dequantization.{kind}_dequantization"
        monkeypatch.setattr(f"{where}.stateless_noise", still)
    x, c = row.data()
    results = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        keras.utils.set_random_seed(3)
        with strategy.scope():
            model = row.make()
            model.build((None, *row.shape), None if c is None else (None, *c.shape[1:]))
            eager = strategy is not two_replicas  # the same steps, sooner than they are traced
            model.compile(keras.optimizers.SGD(row.sgd_rate), jit_compile=False, run_eagerly=eager)
        model.fit(x, c, epochs=1, batch_size=64, shuffle=False, verbose=0)
        results.append([w.numpy() for w in model.weights])
    for one, two in zip(*results):
        np.testing.assert_allclose(one, two, atol=2e-5)


class Average(keras.callbacks.Callback):
    """The weights' average with a momentum, from those after each step."""

    def on_train_begin(self, logs=None):
        self.steps, self.average = 0, None

    def on_train_batch_end(self, batch, logs=None):
        weights = [w.numpy() for w in self.model.trainable_weights]
        before = weights if self.average is None else self.average
        self.average = [0.8 * a + 0.2 * w for a, w in zip(before, weights)]
        self.steps += 1


@pytest.mark.parametrize(("name", "jit"), [("maf", False), ("maf_labels", True)])
def test_the_options_of_keras(name, jit, tmp_path):
    row = next(r for r in ROWS if r.name == name)
    x, c = row.data()
    model = row.make(dtype="mixed_bfloat16")
    schedule = keras.optimizers.schedules.CosineDecay(1e-2, 12)
    optimizer = keras.optimizers.Adam(schedule, global_clipnorm=5.0, use_ema=True, ema_momentum=0.8)
    model.compile(optimizer, jit_compile=jit)
    average, most = Average(), keras.callbacks.EarlyStopping("val_nll", mode="max", patience=1)
    history = model.fit(
        x, c, epochs=9, batch_size=64, verbose=0, validation_split=0.25, callbacks=[average, most]
    ).history
    # It falls, so that it is not at its most for two epochs: three of 192 rows.
    assert history["val_nll"][1] < history["val_nll"][0] and len(history["val_nll"]) == 2
    assert average.steps == 2 * 3
    model.export(tmp_path / "1")
    loaded = tfflows.load(tmp_path / "1")
    for weight, expected in zip(loaded.trainable_weights, average.average):
        np.testing.assert_allclose(weight, expected, rtol=1e-4, atol=1e-6)
    assert loaded.flow.layers[0].network.compute_dtype == "float32"
    z = loaded.encode(x, c)
    np.testing.assert_allclose(loaded.decode(tf.identity(z), c), x, atol=1e-4)


def test_pairs_from_tf_data_are_conditional():
    row = next(r for r in ROWS if r.name == "maf_labels")
    x, c = row.data()
    data = tf.data.Dataset.from_tensor_slices((x, c)).batch(64)
    model = row.make()
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(data, epochs=1, verbose=0, validation_data=data)
    assert model.sample(3, condition=1, seed=0).shape == (3, DIM)
    np.testing.assert_allclose(
        model.evaluate(data, verbose=0, return_dict=True)["nll"],
        -np.mean(model.log_prob(x, c)),
        rtol=1e-5,
    )


def test_triples_from_tf_data_have_weights():
    row = next(r for r in ROWS if r.name == "maf_labels")
    x, c = row.data()
    weight = np.random.RandomState(0).uniform(0.5, 1.5, len(x))
    data = tf.data.Dataset.from_tensor_slices((x, c, weight)).batch(64)
    model = row.make()
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(data, epochs=1, verbose=0, validation_data=data)
    model.compile(keras.optimizers.SGD(0.0))
    log_prob = model.log_prob(x, c)
    expected = -np.average(log_prob, weights=weight)
    assert abs(expected + np.mean(log_prob)) > 1e-3
    weighted = {"sample_weight": weight, "verbose": 0}
    fitted = model.fit(x, c, **weighted, validation_data=(x, c, weight)).history
    for nll in (
        model.evaluate(data, verbose=0, return_dict=True)["nll"],
        model.evaluate(x, c, **weighted, return_dict=True)["nll"],
        model.fit(data, verbose=0).history["nll"][0],
        fitted["nll"][0],
        fitted["val_nll"][0],
    ):
        np.testing.assert_allclose(nll, expected, rtol=1e-5)
    some_weights = np.where(np.arange(len(x)) < 64, 256 / 64, 0)
    models = []
    for rows, kw in ((256, {"sample_weight": some_weights}), (64, {})):
        keras.utils.set_random_seed(0)
        models.append(row.make())
        models[-1].compile(keras.optimizers.SGD(1e-2))
        models[-1].fit(x[:rows], c[:rows], batch_size=256, verbose=0, **kw)
    np.testing.assert_allclose(*[m.log_prob(x[:9], c[:9]) for m in models], rtol=1e-5)
    np.testing.assert_allclose(model.predict(data, verbose=0), model.log_prob(x, c), atol=1e-5)


def test_a_dataset_has_weights_without_conditions():
    row = next(r for r in ROWS if r.name == "maf_act_norm")
    x, _ = row.data()
    weight = np.random.RandomState(0).uniform(0.5, 1.5, len(x))
    data = tf.data.Dataset.from_tensor_slices((x, weight)).map(lambda x, w: (x, None, w)).batch(64)
    model = row.make()
    model.compile(keras.optimizers.SGD(0.0))
    nll = model.fit(data, verbose=0, validation_data=data).history["val_nll"][0]
    np.testing.assert_allclose(nll, -np.average(model.log_prob(x), weights=weight), rtol=1e-5)


@pytest.mark.parametrize("kernel_size", [3, 1], ids=["raster", "wavefront"])
def test_no_samples_are_none_in_a_graph_too(kernel_size):
    model = tfflows.PixelCNNPlusPlus(
        **PIXEL_CNN, num_levels=1, kernel_size=kernel_size, num_classes=3
    )
    model.build((None, 4, 5, 1))
    draw = tf.function(lambda n: model.sample(n, 1, seed=0), autograph=False)
    for found in (
        model.sample(0, 1, seed=0),
        model.sample(0, 1, prefix=np.zeros([1, 5, 1])),
        draw(tf.constant(0)),
    ):
        assert found.shape == (0, 4, 5, 1)
    np.testing.assert_array_equal(draw(tf.constant(2)), model.sample(2, 1, seed=0))


def test_data_sets_of_another_shape_are_refused():
    row = next(r for r in ROWS if r.name == "local_pixel_cnn")
    model, larger = row.make(), np.zeros([4, 8, 8, 1])
    model.compile("adam")
    model.build((None, *row.shape))
    data = tf.data.Dataset.from_tensor_slices(larger).batch(2)
    for act in (model.evaluate, model.predict, model.fit):
        with pytest.raises(ValueError, match=r"expected x of shape \[batch, 4, 5, 1\]"):
            act(data, verbose=0)
    assert model.log_prob(larger).shape == (4,)  # a model without levels takes any size
    with pytest.raises(ValueError, match=r"expected x of shape \[batch, None, None, 1\]"):
        model.log_prob(np.zeros([4, 4, 5, 3]))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("base", [None, "mixture", "fixed"])
def test_flows_of_16_bits_compute_in_32(base, dtype):
    bases = {
        "mixture": lambda: tfflows.distributions.GaussianMixture(2, seed=1, dtype=dtype),
        "fixed": lambda: tfd.MultivariateNormalDiag(tf.zeros([2]), tf.ones([2])),
    }
    model = tfflows.RealNVP(2, (8,), base=base and bases[base](), num_classes=2, dtype=dtype)
    x, labels = np.random.RandomState(0).randn(6, 2).astype("float32"), np.arange(6) % 2
    model.build((None, 2), (None,))
    assert model.log_prob(x, labels).dtype == tf.float32
    assert model.sample(6, labels, seed=0, temperature=0.5 if base != "fixed" else 1.0).shape == (
        6,
        2,
    )
    model.compile("adam")
    assert np.isfinite(model.fit(x, labels, verbose=0).history["nll"][0])


def test_a_base_in_another_dtype_is_refused():
    base = tfflows.distributions.GaussianMixture(2, dtype="float64")
    with pytest.raises(ValueError, match="`base` should compute in the dtype of the model"):
        tfflows.MAF(base=base)


def test_labels_of_one_column_are_conditions_of_a_distribution():
    model = tfflows.MAF(num_layers=1, units=(8,), num_classes=3)
    model.build((None, 2), (None, 1))
    x = np.random.RandomState(0).randn(3, 2).astype("float32")
    expected = model.log_prob(x, np.arange(3))
    np.testing.assert_allclose(model.distribution([0, 1, 2]).log_prob(x), expected, rtol=1e-5)
    one = model.distribution(1)
    assert one.batch_shape == ()
    np.testing.assert_allclose(one.log_prob(x[1]), expected[1], rtol=1e-5)


def test_labels_of_several_axes_are_conditions_of_a_distribution():
    model = tfflows.MAF(num_layers=1, units=(8,), num_classes=3)
    model.build((None, 2))
    x = np.random.RandomState(0).randn(2, 2).astype("float32")
    batch = model.distribution([[0, 1], [2, 0], [1, 1]])
    assert batch.batch_shape == (3, 2)
    expected = model.log_prob(x, np.array([2, 0]))
    np.testing.assert_allclose(batch.log_prob(x)[1], expected, rtol=1e-5)


def test_an_unbuilt_model_is_fitted_to_a_pair():
    model = tfflows.RealNVP(2, (4,))
    model.compile()
    model.fit((X, X[:, :2]), verbose=0)
    assert model.condition_shape == (2,)
    np.testing.assert_allclose(model.predict((X, X[:, :2]), verbose=0), model.log_prob(X, X[:, :2]))


def test_conditions_may_be_a_list():
    model = tfflows.RealNVP(2, (4,), num_classes=2)
    model.compile()
    labels = [0, 1, 1] * 2
    model.fit(X, labels, verbose=0)
    log_prob = model.log_prob(X, np.array(labels))
    np.testing.assert_allclose(model.predict(X, labels, verbose=0), log_prob, rtol=1e-6)
    nll = model.evaluate(X, labels, return_dict=True, verbose=0)["nll"]
    np.testing.assert_allclose(nll, -np.mean(log_prob), rtol=1e-5)


def test_weights_may_be_a_list():
    model = tfflows.RealNVP(2, (4,))
    model.compile()
    model.fit(X, verbose=0)
    weights = [0.0, 0.0, 3.0, 0.0, 0.0, 1.0]
    nll = model.evaluate(X, sample_weight=weights, return_dict=True, verbose=0)["nll"]
    log_prob = model.log_prob(X)
    np.testing.assert_allclose(nll, -(3 * log_prob[2] + log_prob[5]) / 4, rtol=1e-5)


IMAGES = np.random.RandomState(0).randint(0, 256, [6, 4, 4, 1])


@pytest.mark.parametrize("pixels_per_image, scale", [(None, 1 / 255), (3, 2)])
def test_datasets_of_what_is_no_pixels_are_refused(pixels_per_image, scale):
    options = {"units": 4, "num_levels": 1, "kernel_size": 1, "num_components": 1}
    model = tfflows.PixelCNNPlusPlus(**options, pixels_per_image=pixels_per_image)
    model.compile(jit_compile=False)
    model.fit(IMAGES, verbose=0)
    data = dataset(IMAGES.astype("float32")).map(lambda x: scale * x)
    for act in (model.fit, model.evaluate, model.predict):
        with pytest.raises(tf.errors.InvalidArgumentError, match="integers from 0 to 255"):
            act(data, verbose=0)
    model.evaluate(dataset(IMAGES.astype("float32")), verbose=0)


def test_pixels_of_one_bit_may_be_booleans():
    model = tfflows.Glow(1, 1, 4, num_bits=1)
    model.compile()
    model.fit(dataset(IMAGES > 128), verbose=0)
    found = model.evaluate(dataset(IMAGES > 128), verbose=0, return_dict=True)
    assert np.isfinite(found["nll"])


def test_what_is_no_pixels_is_nan_by_xla():
    model = tfflows.Glow(1, 1, 4)
    model.compile(jit_compile=True)
    model.fit(IMAGES, verbose=0)
    some = IMAGES.astype("float32")
    some[2, 1, 1] = 0.5
    nll = model.predict(dataset(some), verbose=0)
    assert np.isnan(nll).tolist() == [False, False, True, False, False, False]


def test_a_base_that_has_no_latents_is_refused():
    class Columns(tfflows.distributions.BaseDistribution):
        def distribution(self):
            return tfd.Normal(tf.zeros(self.latent_shape), 1.0)

    model = tfflows.MAF(1, (4,), base=Columns())
    with pytest.raises(ValueError, match=r"event shape \(4,\) and no batch.*`tfd.Independent`"):
        model.build((None, DIM))


def test_float64_is_kept_in_an_export_and_told_of_where_it_is_not(tmp_path):
    model = tfflows.RealNVP(2, (4,), dtype="float64")
    model.compile()
    x = X.astype("float64") + 1e-12
    with pytest.warns(UserWarning, match="in float32: float64 data are rounded"):
        model.fit(x, verbose=0)
    model.export(tmp_path / "1")
    served = tf.saved_model.load(tmp_path / "1").signatures
    expected = model.log_prob(x)
    found = served["log_prob"](x=tf.constant(x))["log_prob"]
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    z = served["encode"](x=tf.constant(x))["z"]
    np.testing.assert_allclose(served["decode"](z=z)["x"], x, rtol=1e-11)
    np.testing.assert_allclose(tfflows.load(tmp_path / "1").log_prob(x), expected, rtol=1e-13)


@pytest.mark.parametrize(
    "layer, shape",
    [
        (tfflows.layers.Chain([tfflows.layers.Autoregressive(tfflows.networks.MADE([8]))]), (3,)),
        (tfflows.layers.EmergingConvolution(3, seed=0), (4, 4, 2)),
    ],
    ids=["autoregressive", "emerging"],
)
def test_loops_of_layers_the_other_way_round_are_not_in_python(layer, shape, monkeypatch):
    model = tfflows.FlowModel(tfflows.layers.Invert(layer))
    model.build((None, *shape))
    inverse, in_python = layer.inverse_and_log_det, []

    def seen(z, condition=None):
        in_python.append(tf.executing_eagerly())
        return inverse(z, condition)

    monkeypatch.setattr(layer, "inverse_and_log_det", seen)
    for method in (model.log_prob, model.encode):
        method(np.zeros([2, *shape], "float32"))
    assert in_python and not any(in_python)


def test_what_comes_in_a_pair_is_checked_too():
    model = tfflows.MAF(num_layers=1, units=(8,))
    model.build((None, 2), (None, 3))
    model.compile()
    x, c = np.full([4, 2], np.nan), np.zeros([4, 3])
    for act in (model.evaluate, model.predict):
        with pytest.raises(ValueError, match="NaN"):
            act((x, c), verbose=0)


def test_weights_may_be_a_column():
    x = np.random.RandomState(0).randn(8, 2).astype("float32")
    weight, losses = np.linspace(0, 2, 8, dtype="float32"), []
    model = tfflows.RealNVP(2, (8,))
    model.build((None, 2))
    model.compile(keras.optimizers.SGD(0.0))
    for given in (weight, weight[:, np.newaxis]):
        losses.append(model.fit(x, sample_weight=given, verbose=0).history)
    assert losses[0] == losses[1]


def test_samples_in_training_leave_no_trace_in_inference():
    model = tfflows.RealNVP(2, (16,), dropout=0.5)
    model.build((None, 2))
    off_identity(model)

    class Drawn(keras.layers.Layer):
        def call(self, n, training=None):
            return model.sample_and_log_prob(n, seed=0)

    Drawn()(tf.constant(4), training=True)
    x, log_prob = model.sample_and_log_prob(4, seed=0)
    np.testing.assert_allclose(model.log_prob(tf.identity(x)), log_prob, atol=1e-4)


def test_mixtures_have_modes():
    base = tfflows.distributions.GaussianMixture(3, seed=1)
    model = tfflows.RealNVP(2, (8,), base=base)
    model.build((None, 2))
    assert np.isfinite(model.sample(5, temperature=0.0, seed=0)).all()


def test_a_model_may_be_compiled_without_an_optimizer():
    model = tfflows.MAF(num_layers=1, units=(8,))
    model.build((None, 2))
    model.compile(optimizer=None)
    assert model.evaluate(np.zeros([4, 2], "float32"), verbose=0, return_dict=True)["nll"] > 0


def test_what_is_no_number_of_samples_nor_a_seed_is_refused():
    model = tfflows.MAF(num_layers=1, units=(8,))
    model.build((None, 2))
    with pytest.raises(ValueError, match="`n` should be a whole number, 0 or more. Received: n=No"):
        model.sample(None)
    for seed in (2**31, 2**32 + 1, 2**70, 1.5):
        with pytest.raises(ValueError, match="`seed` should be None, an int, a pair of int32"):
            model.sample(1, seed=seed)


@pytest.mark.parametrize("name", ["maf", "pixel_cnn", "local_pixel_cnn"])
def test_samples_are_the_same_where_functions_run_eagerly(name):
    row = next(r for r in ROWS if r.name == name)
    model, condition = row.make(), 1 if row.labels else None
    model.build((None, *row.shape))
    drawn = model.sample(2, condition, seed=0)
    tf.config.run_functions_eagerly(True)
    try:
        np.testing.assert_allclose(model.sample(2, condition, seed=0), drawn, rtol=1e-5, atol=1e-5)
    finally:
        tf.config.run_functions_eagerly(False)


NO_ROWS = ["maf", "iaf", "real_nvp_batch", "spline_autoregressive"]
NO_ROWS += ["glow", "multi_scale_real_nvp", "flow_plus_plus", "pixel_cnn"]


@pytest.mark.parametrize("name", NO_ROWS)
def test_no_rows_give_no_rows(name):
    row = next(r for r in ROWS if r.name == name)
    model, (x, c) = row.make(), row.data()
    model.build((None, *x.shape[1:]), None if c is None else (None, *c.shape[1:]))
    x, one, none = x[:0], None if c is None else c[0], None if c is None else c[:0]
    assert model.sample(0, one, seed=0).shape == x.shape
    assert model.log_prob(x, none).shape == model.predict(x, none).shape == (0,)
    seeds = np.zeros([0, 2], "int32")
    given = [a for a in (x, none, seeds) if a is not None]
    names = ["x", "seed"] if none is None else ["x", "condition", "seed"]
    signature = [tf.TensorSpec([None, *a.shape[1:]], a.dtype) for a in given]
    log_prob = tf.function(lambda *given: model.log_prob(**dict(zip(names, given))), signature)
    assert log_prob(*given).shape == (0,)
    if is_flow(model):
        z = model.encode(x, none)
        assert z.shape == (0, *model.flow.latent_shape)
        assert model.decode(z, none).shape == x.shape


@pytest.mark.parametrize("name", ["iaf", "real_nvp_labels", "trained_mixture"])
def test_samples_come_with_their_log_densities(name):
    row = next(r for r in ROWS if r.name == name)
    model, x, c, _ = fitted(row)
    c = some(c)
    x, log_prob = model.sample_and_log_prob(8, c, seed=1)
    np.testing.assert_allclose(x, model.sample(8, c, seed=1), atol=1e-5)
    np.testing.assert_allclose(log_prob, model.log_prob(x, c), atol=1e-4)
    by_row = model.sample_and_log_prob(8, c, seed=np.arange(16).reshape(8, 2))
    np.testing.assert_allclose(by_row[1], model.log_prob(by_row[0], c), atol=1e-4)
    discrete = next(r for r in ROWS if r.name == "dequantized").make()
    discrete.build((None, DIM))
    with pytest.raises(ValueError, match="`sample_and_log_prob` expected a model of continuous"):
        discrete.sample_and_log_prob(2)


def test_what_goes_in_sequence_is_traced_once(monkeypatch):
    solve, calls = tfflows.networks.MADE.sequential, []

    def spy(self, *args, **kwargs):
        calls.append(self)
        return solve(self, *args, **kwargs)

    monkeypatch.setattr(tfflows.networks.MADE, "sequential", spy)
    model = next(r for r in ROWS if r.name == "iaf").make()
    model.build((None, DIM))
    expected = model.log_prob(X)
    assert len(calls) == 1  # layer
    np.testing.assert_array_equal(model.log_prob(X), expected)
    model.encode(X)
    assert len(calls) == 1  # layer


@pytest.mark.parametrize("name", ["maf_act_norm", "spline_act_norm"])
def test_normalized_models_take_data_in_any_units(name):
    row = next(r for r in ROWS if r.name == name)
    x = row.data()[0]
    nll = []
    for unit in (1.0, 1e3):
        keras.utils.set_random_seed(0)
        model = row.make()
        model.compile(keras.optimizers.SGD(0.0))
        model.fit(x * unit + 5 * unit, verbose=0)
        nll.append(-np.mean(model.log_prob(x * unit + 5 * unit)) - DIM * np.log(unit))
    np.testing.assert_allclose(nll[1], nll[0], atol=1e-2)


def test_distribution_is_the_model():
    model, x, c, _ = fitted(next(r for r in ROWS if r.name == "maf_labels"))
    expected = model.log_prob(x[:8], c[:8])
    np.testing.assert_allclose(model.distribution(c[:8]).log_prob(x[:8]), expected, atol=1e-5)
    one = model.distribution(int(c[0]))
    np.testing.assert_allclose(one.log_prob(x[0]), expected[0], atol=1e-5)
    assert one.sample(5, seed=1).shape == (5, DIM)


def test_rows_have_seeds_of_their_own_in_a_graph_too():
    model, seeds = ROWS[0].make(), tf.constant([[1, 2], [3, 4]])
    model.build((None, DIM))
    drawn = tf.function(lambda n: model.sample(n, seed=seeds))(tf.constant(2))
    np.testing.assert_allclose(drawn, model.sample(2, seed=seeds), atol=1e-5)
    vectors = next(r for r in ROWS if r.name == "maf_vectors").make()
    vectors.build((None, DIM), (None, 2))
    with pytest.raises(tf.errors.InvalidArgumentError, match="as many as there are samples"):
        tf.function(lambda n: vectors.sample(n, tf.zeros([3, 2])))(tf.constant(2))


@pytest.mark.parametrize("condition", [[1], [0, 1, 2, 0]])
def test_a_graph_takes_one_condition_or_as_many_as_there_are_samples(condition):
    model = next(r for r in ROWS if r.name == "maf_labels").make()
    model.build((None, DIM))
    draw = tf.function(
        lambda c: model.sample(4, c, seed=0), [tf.TensorSpec([None], "int32")], autograph=False
    )
    expected = model.sample(4, condition, seed=0)
    np.testing.assert_allclose(draw(tf.constant(condition)), expected, atol=1e-5)


def test_a_number_is_the_condition_of_one_example():
    model = next(r for r in ROWS if r.name == "maf_labels").make()
    model.build((None, DIM))
    of_any_rank = tf.function(lambda c: model.log_prob(X, c), [tf.TensorSpec(None, "int32")])
    np.testing.assert_allclose(
        of_any_rank(tf.ones([6], "int32")), model.log_prob(X, [1] * 6), atol=1e-5
    )
    expected = model.log_prob(X[:1], 1)
    np.testing.assert_allclose(model.predict(X[:1], 1, verbose=0), expected, atol=1e-5)


def test_lists_are_taken_in_the_precision_of_the_model():
    model = tfflows.RealNVP(2, (8,), dtype="float64")
    model.build((None, 3), (None, 1))
    x, c = [[0.1, 0.2, 0.3]], [[0.7]]
    for method in (model.log_prob, model.encode, model.decode):
        np.testing.assert_array_equal(method(x, c), method(np.array(x), np.array(c)))


@pytest.mark.parametrize("name", ["maf", "maf_labels", "pixel_cnn"])
def test_how_many_samples_may_be_known_when_a_graph_is_run(name):
    row = next(r for r in ROWS if r.name == name)
    model, (x, _) = row.make(), row.data()
    model.build((None, *x.shape[1:]))
    condition = None if model.num_classes is None else 1
    draw = tf.function(lambda n: model.sample(n, condition, seed=1), autograph=False)
    for n in (2, 3):
        expected = model.sample(n, condition, seed=1)
        np.testing.assert_allclose(draw(tf.constant(n)), expected, atol=1e-5)


def test_temperature_is_as_precise_as_the_flow():
    model = tfflows.FlowModel(
        Coupling("half", keras.layers.Dense(4, dtype="float64"), dtype="float64"), dtype="float64"
    )
    model.build((None, 2))
    cold, plain = model.sample(5, temperature=0.7, seed=1), model.sample(5, seed=1)
    np.testing.assert_allclose(cold / plain, 0.7, rtol=1e-14)


def test_temperature_narrows_and_seeds_repeat():
    model, *_ = fitted(ROWS[0])
    np.testing.assert_array_equal(model.sample(9, seed=1), model.sample(9, seed=1))
    cold = np.std(model.sample(500, temperature=0.1, seed=1), 0)
    assert (cold < np.std(model.sample(500, seed=1), 0)).all()


X = np.zeros([6, DIM], "float32")
NAN, INFINITE = np.where(X == 0, np.nan, X), np.where(X == 0, np.inf, X)

BAD = {
    "nan": (lambda m: m.fit(NAN), "without NaN"),
    "infinity": (lambda m: m.fit(INFINITE), "without NaN or infinity"),
    "nan for validation": (lambda m: m.fit(X, validation_data=NAN), "without NaN"),
    "nan to adapt to": (lambda m: m.adapt(NAN), "without NaN"),
    "nan to be evaluated": (lambda m: m.evaluate(NAN), "without NaN"),
    "nan to be predicted": (lambda m: m.predict(NAN), "without NaN"),
    "nan to be scored": (lambda m: m.log_prob(NAN), "without NaN"),
    "features to be scored": (lambda m: m.log_prob(X[:, 1:]), r"\[batch, 4\]"),
    "temperature": (lambda m: m.sample(2, temperature=-1.0), "`temperature` should be a number, 0"),
    "temperature of none": (lambda m: m.sample(2, temperature=None), "`temperature` should be"),
    "temperature in words": (lambda m: m.sample(2, temperature="hot"), "`temperature` should be"),
    "samples in words": (lambda m: m.sample("two"), "`n` should be a whole number, 0 or more"),
    "importance in words": (
        lambda m: m.log_prob(X, num_importance_samples="two"),
        "`num_importance_samples` should be a whole number, 1 or more",
    ),
    "infinite temperature": (lambda m: m.sample(2, temperature=np.inf), "`temperature` should be"),
    "lists": (lambda m: m.fit(X.tolist()), "an array, .*Received: list of"),
    "a dict": (lambda m: m.evaluate({"x": X}), "an array, .*Received: dict"),
    "a dataset of dicts": (lambda m: m.fit(dataset({"x": X})), "batches of x, .*Received: {'x'"),
    "a dataset of four": (lambda m: m.fit(dataset((X,) * 4)), "batches of x, .*Received"),
    "a dataset of any rank": (
        lambda m: m.predict(of_any_rank()),
        "known rank.*Received: .*unknown",
    ),
    "two conditions": (lambda m: m.fit((X, X), X), "an array where a condition is given"),
    "nan as weight": (lambda m: m.fit(X, sample_weight=NAN[:, 0]), "weight` should be without NaN"),
    "weights of others": (lambda m: m.fit(X, sample_weight=[1.0]), "each of 6 .*shape \\(1,\\)"),
    "features": (lambda m: m.fit(np.zeros([6, DIM + 1], "float32")), r"\[batch, 4\]"),
    "rank": (lambda m: m.fit(np.zeros([6], "float32")), r"\[batch, 4\]"),
    "superfluous condition": (lambda m: m.fit(X, np.zeros([6, 2])), "built without a condition"),
    "loss": (lambda m: m.compile(loss="mse"), "expected no loss"),
    "metrics": (lambda m: m.compile(metrics=["mae"]), "expected no metrics"),
    "generator": (lambda m: m.fit(iter([X])), "`x` should be an array, a `tf.data.Dataset`"),
    "generator to be scored": (lambda m: m.predict(iter([X])), "`x` should be an array, a"),
    "class weights": (lambda m: m.fit(X, class_weight={0: 2.0}), "expected no class_weight"),
    "n": (lambda m: m.sample(-1), "whole number"),
    "half a sample": (lambda m: m.sample(2.5), "whole number"),
    "three inputs": (lambda m: m((X, X, X)), r"the pair \(x, condition\). Received: 3 inputs"),
    "a loss for a target": (lambda m: m.compile("adam", "mse"), "None or a function of x"),
    "nan in a batch": (lambda m: m.train_on_batch(NAN), "without NaN"),
    "nan in a batch to be scored": (lambda m: m.test_on_batch(NAN), "without NaN"),
    "n of several": (lambda m: m.sample([2, 3]), "whole number"),
    "n in a graph": (lambda m: tf.function(m.sample)(tf.constant(2.0)), "whole number"),
    "latent": (lambda m: m.decode(np.zeros([2, 3])), r"\[batch, 4\]"),
    "nan to be encoded": (lambda m: m.encode(NAN), "x without NaN"),
    "no rows": (lambda m: m.fit(X[:0]), r"one example or more. Received: x of shape \(0, 4\)"),
    "no rows to be scored": (lambda m: m.evaluate(X[:0]), "expected one example or more"),
    "no rows to validate": (lambda m: m.fit(X, validation_data=X[:0]), "one example or more"),
    "no data": (lambda m: m.fit(), "`x` should be data, .*Received: x=None"),
    "no data to be scored": (lambda m: m.evaluate(), "`x` should be data, .*Received: x=None"),
    "a condition of a distribution": (lambda m: m.distribution(X), "without a condition"),
    "ends of other features": (lambda m: m.interpolate(X, X[:, 1:], X[:, :1]), r"\[batch, 4\]"),
    "objects": (lambda m: m.fit(X.astype(object)), "x of real numbers. Received: dtype object"),
    "words": (lambda m: m.log_prob(X.astype(str)), "x of real numbers. Received: dtype str"),
    "complex numbers": (lambda m: m.fit(X * 1j), "x of real numbers. Received: dtype complex64"),
    "dates": (
        lambda m: m.predict(X.astype("M8[s]")),
        "x of real numbers. Received: dtype datetime",
    ),
    "objects to adapt to": (lambda m: m.adapt(X.astype(object)), "x of real numbers"),
    "a complex tensor": (lambda m: m.log_prob(tf.complex(X, X)), "x of real numbers"),
    "a tensor of words": (lambda m: m.encode(tf.fill([6, DIM], "a")), "real numbers.*dtype string"),
    "complex latents": (lambda m: m.decode(X * 1j), "z of real numbers"),
    "complex latents in a tensor": (lambda m: m.decode(tf.complex(X, X)), "z of real numbers"),
    "lists to adapt to": (lambda m: m.adapt(X.tolist()), "an array, .*Received: list of"),
    "nan to be decoded": (lambda m: m.decode(INFINITE), "z without NaN or infinity"),
}


def dataset(elements):
    return tf.data.Dataset.from_tensor_slices(elements).batch(6)


def of_any_rank():
    return tf.data.Dataset.from_generator(lambda: iter([X]), output_types="float32")


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(case):
    model = ROWS[0].make()
    model.build((None, DIM))
    model.compile("adam")
    act, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        act(model)


def test_bad_conditions_are_refused():
    row = next(r for r in ROWS if r.name == "maf_labels")
    model = row.make()
    model.build((None, DIM))
    model.compile("adam")
    with pytest.raises(ValueError, match="labels from 0 to 2"):
        model.fit(X, np.full(6, 3))
    with pytest.raises(ValueError, match="expected a condition: labels"):
        model.fit(X)
    for act in (model.fit, model.log_prob):
        with pytest.raises(ValueError, match=r"labels of shape \[batch\]"):
            act(X, np.eye(6)[:, :3])
        with pytest.raises(ValueError, match="labels of real numbers"):
            act(X, np.full(6, "a"))
    for bad in (np.full(6, 3), np.full(6, 0.5), np.full(6, np.nan)):
        for act in (model.fit, model.log_prob):
            with pytest.raises(ValueError, match="labels from 0 to 2"):
                act(X, bad)
    with pytest.raises(ValueError, match="labels from 0 to 2. Received: -1"):
        model.sample(2, -1)
    with pytest.raises(ValueError, match="6 examples and 5 conditions"):
        model.fit(X, np.zeros(5))
    in_graph = tf.function(lambda labels: model.log_prob(X, labels))
    for bad in (tf.fill([6], 3), tf.fill([6], 1.5), tf.fill([6], np.nan)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="whole numbers from 0 to 2"):
            in_graph(bad)
    with pytest.raises(ValueError, match=r"labels of shape \[batch\]"):
        tf.function(lambda c: model.sample(9, c))(tf.eye(3))
    with pytest.raises(ValueError, match=r"labels of shape \[batch\]"):
        model.fit(tf.data.Dataset.from_tensor_slices((X, np.eye(6)[:, :3])).batch(6))
    by_xla = tf.function(lambda labels: model.log_prob(X, labels), jit_compile=True)
    assert np.isnan(by_xla(tf.constant([0, 1, 2, 3, -1, 0]))).tolist() == [0, 0, 0, 1, 1, 0]
    vectors = next(r for r in ROWS if r.name == "maf_vectors").make()
    vectors.compile("adam")
    with pytest.raises(ValueError, match="labels need `num_classes`"):
        vectors.fit(X, np.zeros(6))
    vectors = next(r for r in ROWS if r.name == "maf_vectors").make()
    vectors.build((None, DIM), (None, 2))
    vectors.compile("adam")
    for bad, message in ((NAN[:, :2], "condition without NaN"), (X[:, :3], r"\[batch, 2\]")):
        with pytest.raises(ValueError, match=message):
            vectors.fit(X, bad)
    for bad, message in (
        (NAN[:, :2], "condition without NaN"),
        (X[:5, :2], "6 examples and 5 conditions"),
        (X[0, :2], r"\[batch, 2\]"),
        (tf.zeros([1, 2]), "6 examples and 1 conditions"),
    ):
        for act in (vectors.log_prob, vectors.encode, vectors.decode):
            with pytest.raises(ValueError, match=message):
                act(X, bad)
    for act in (lambda c: vectors.sample(2, c), vectors.distribution):
        with pytest.raises(ValueError, match="condition without NaN"):
            act(NAN[0, :2])
        for bad in (0.5, X[0, :3], X[:2, :3], np.zeros([1, 3])):
            with pytest.raises(ValueError, match=r"conditions of shape \[batch, 2\]"):
                act(bad)
    with pytest.raises(ValueError, match=r"conditions of shape \[batch, 2\]"):
        vectors.sample(2, np.zeros([2, 1, 2]))
    vectors.compile("adam", target_log_prob=lambda x: -tf.reduce_sum(x**2, -1))
    with pytest.raises(ValueError, match="without a condition"):
        vectors.fit(steps_per_epoch=1)


def of_shape(x, shape):
    return tf.data.Dataset.from_generator(
        lambda: iter([x]), output_signature=tf.TensorSpec(shape, x.dtype)
    )


UNBUILT = {
    "rank": (lambda: tfflows.RealNVP(2, (8,)), np.zeros([6], "float32"), r"\[batch, ...\]"),
    "rank of a spline": (tfflows.NeuralSplineFlow, np.zeros([6], "float32"), r"\[batch, ...\]"),
    "one column": (lambda: tfflows.RealNVP(2, (8,)), X[:, :1], "at least 2 elements"),
    "images": (lambda: tfflows.MAF(1, (8,)), np.zeros([6, 4, 4, 1]), "expected vectors"),
    "nan": (lambda: tfflows.MAF(1, (8,)), NAN, "without NaN"),
    "values": (lambda: tfflows.Glow(1, 1, 8, num_bits=5), np.full([6, 4, 4, 1], 32), "0 to 31"),
    "reals": (lambda: tfflows.Glow(1, 1, 8), np.full([6, 4, 4, 1], 0.5), "integers from 0 to 255"),
    "sizes that are not known": (
        lambda: tfflows.MAF(1, (8,)),
        of_shape(X, [None, None]),
        r"x of known shape: .*`tf.ensure_shape`. Received: \[batch, None\]",
    ),
    "channels that are not known": (
        lambda: tfflows.FlowPlusPlus(units=4),
        of_shape(np.zeros([6, 8, 8, 1]), [None, 8, 8, None]),
        r"of known size, .*Received: shape \[batch, 8, 8, None\]",
    ),
    "no batch": (
        lambda: tfflows.MAF(1, (8,), normalization="act"),
        tf.data.Dataset.from_tensor_slices(X).batch(9, drop_remainder=True),
        "should have examples to adapt to. Received: none",
    ),
    "no rows": (
        lambda: tfflows.MAF(1, (8,), normalization="act"),
        X[:0],
        "should have examples to adapt to. Received: none",
    ),
    "width": (lambda: tfflows.FlowPlusPlus(units=4), np.zeros([6, 8, 6, 1]), "divisible by 4"),
}


@pytest.mark.parametrize("case", UNBUILT)
def test_bad_data_for_an_unbuilt_model_are_refused(case):
    make, x, message = UNBUILT[case]
    model = make()
    model.compile("adam")
    with pytest.raises(ValueError, match=message):
        model.fit(x)


def test_bad_numbers_of_layers_are_refused():
    for make in (tfflows.RealNVP, tfflows.MAF, tfflows.NeuralSplineFlow, tfflows.Glow):
        with pytest.raises(ValueError, match="should be at least 1. Received: num_"):
            make(0)
    with pytest.raises(ValueError, match=r"`units` should be at least 1. Received: units=\(8,\)"):
        tfflows.NeuralSplineFlow(units=(8,))
    for make in (tfflows.Glow, tfflows.PixelCNNPlusPlus):
        for bad, message in ((17, "from 1 to 16"), (2.5, "a whole number"), (np.nan, "a whole")):
            with pytest.raises(ValueError, match=f"`num_bits` should be {message}"):
                make(num_bits=bad)


@pytest.mark.parametrize(
    "make, options, message",
    [
        (tfflows.FlowPlusPlus, {"num_couplings": (1, -1, 1)}, "`num_couplings` should be at least"),
        (tfflows.FlowPlusPlus, {"num_couplings": 4}, "`num_couplings` should be three numbers"),
        (tfflows.FlowPlusPlus, {"noise_units": 0}, "`noise_units` should be at least 1"),
        (tfflows.FlowPlusPlus, {"units": 10}, "`units` should be a multiple of `num_heads`"),
        (tfflows.FlowPlusPlus, {"num_couplings": (1, 0.5, 1)}, "`num_couplings` should be a whole"),
        (tfflows.FlowPlusPlus, {"num_noise_couplings": -1}, "`num_noise_couplings` should be at"),
        (tfflows.FlowPlusPlus, {"num_heads": -1}, "`num_heads` should be at least 0"),
        (tfflows.FlowPlusPlus, {"num_blocks": 1.5}, "`num_blocks` should be a whole number"),
        (tfflows.FlowPlusPlus, {"max_positions": None}, "`max_positions` should be at least 0"),
        (tfflows.FlowPlusPlus, {"dropout": 1.5}, "`dropout` should be from 0.0 to 1.0"),
        (tfflows.MultiScaleRealNVP, {"num_final": 0}, "`num_final` should be at least 1"),
        (tfflows.MultiScaleRealNVP, {"num_couplings": 0}, "`num_couplings` should be at least 1"),
        (tfflows.MultiScaleRealNVP, {"num_blocks": -1}, "`num_blocks` should be at least 0"),
        (tfflows.MultiScaleRealNVP, {"units": 0}, "`units` should be at least 1"),
    ],
)
def test_bad_numbers_are_refused_before_a_model_is_built(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_data_are_not_rounded_under_mixed_precision():
    model = tfflows.RealNVP(2, (4,), dtype="mixed_bfloat16")
    x = np.random.RandomState(0).normal(100, 1, (6, DIM)).astype("float32")
    model.compile("adam")
    model.build((None, DIM))
    expected = model.log_prob(x)
    for found in (model(x), model.predict(x, verbose=0), model.predict_on_batch(x)):
        np.testing.assert_allclose(found, expected, rtol=1e-3)
    nll = model.evaluate(x, verbose=0, return_dict=True)["nll"]
    np.testing.assert_allclose(nll, -np.mean(expected), rtol=1e-3)


def test_losses_that_layers_add_are_trained_on_in_any_precision():
    for dtype in ("float32", "mixed_bfloat16"):
        regularizer = keras.regularizers.L2(0.1)
        network = keras.layers.Dense(4, activity_regularizer=regularizer, dtype=dtype)
        model = tfflows.FlowModel(Coupling("half", network, dtype=dtype), dtype=dtype)
        model.compile(keras.optimizers.SGD(1e-2))
        model.build((None, DIM))
        kernel = np.array(network.kernel)  # the head starts at zero: no gradient but the loss's
        history = model.fit(X + 1, batch_size=6, verbose=0).history
        assert history["loss"][0] > history["nll"][0] + 1e-4
        assert np.abs(network.kernel - kernel).max() > 1e-5


def test_batches_one_by_one_are_conditional_too():
    row = next(r for r in ROWS if r.name == "maf_labels")
    x, c = row.data(32)
    model, weight = row.make(), np.linspace(0.5, 1.5, 32)
    model.compile(keras.optimizers.SGD(0.0))
    model.train_on_batch(x, c)
    log_prob = model.log_prob(x, c)
    model.reset_metrics()
    logs = model.train_on_batch(x, c, sample_weight=weight, return_dict=True)
    np.testing.assert_allclose(logs["nll"], -np.average(log_prob, weights=weight), rtol=1e-5)
    model.reset_metrics()
    logs = model.test_on_batch(x, c, return_dict=True)
    np.testing.assert_allclose(logs["nll"], -np.mean(log_prob), rtol=1e-5)
    np.testing.assert_allclose(model.predict_on_batch(x, c), log_prob, rtol=1e-5)


def test_calls_in_training_leave_no_trace_in_inference():
    model = tfflows.IAF(1, (4,), normalization="batch")
    model.build((None, DIM))
    model(X + 1, training=True)
    before = model.get_weights()
    model.log_prob(X + 1)
    for one, other in zip(before, model.get_weights()):
        np.testing.assert_array_equal(one, other)
    model(X + 1, training=True)
    assert any(np.any(a != b) for a, b in zip(before, model.get_weights()))


def test_samples_are_of_the_layers_as_they_were_when_compiled():
    network = keras.layers.Dense(4)
    model = tfflows.FlowModel(Coupling("half", network))
    model.build((None, DIM))
    off_identity(model)
    before = model.sample(3, seed=0)
    network.enable_lora(2)
    model.compile("adam")
    network.lora_kernel_b.assign(tf.ones_like(network.lora_kernel_b))
    after = model.sample(3, seed=0)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, model.decode(model.encode(after)), atol=1e-5)


def test_a_flow_in_another_dtype_is_refused():
    with pytest.raises(ValueError, match="Received: a flow in float64, a model in float32"):
        tfflows.FlowModel(ActNorm(dtype="float64"))
    mixed = tfflows.FlowModel(ActNorm(dtype="mixed_bfloat16"))  # its values are in float32
    assert mixed(X).dtype == "float32"


def test_a_flow_that_was_built_before_is_taken_for_what_it_was_built_for():
    coupling = tfflows.layers.Coupling("half", tfflows.networks.MLP([8]))
    coupling.build((None, DIM))
    model = tfflows.FlowModel(coupling)
    model.build((None, DIM))
    assert model.sample(2, seed=0).shape == (2, DIM)
    with pytest.raises(ValueError, match="built for events of shape"):
        tfflows.FlowModel(coupling).build((None, DIM + 1))
    with pytest.raises(ValueError, match="built for events of shape"):
        tfflows.FlowModel(coupling).build((None, DIM), (None, 2))


def test_a_model_that_refuses_a_shape_is_as_it_was():
    model = tfflows.RealNVP(2, (4,))
    model.build((None, DIM))
    log_prob, config = model.log_prob(X), model.get_build_config()
    with pytest.raises(ValueError, match="built for events of shape"):
        model.build((None, DIM + 1))
    np.testing.assert_array_equal(model.predict(X, verbose=0), log_prob)
    assert model.get_build_config() == config


def test_a_model_that_is_built_in_part_says_so():
    model = tfflows.NeuralSplineFlow(1, 4, 1)
    model.compile()
    with pytest.raises(ValueError, match="at least 2 elements"):
        model.fit(X[:, :1], verbose=0)
    with pytest.raises(ValueError, match="could not be built before.*Make a new model"):
        model.fit(X, verbose=0)
    whole = tfflows.Glow(1, 1, 4)
    with pytest.raises(ValueError, match="divisible by 2"):
        whole.build((None, 5, 5, 1))
    whole.build((None, 4, 4, 1))  # it has refused before it has made anything


def test_what_is_frozen_stays_so(tmp_path):
    model = tfflows.RealNVP(2, (4,), normalization="batch")
    model.build((None, DIM))
    model.flow.layers[1].network.trainable = False
    frozen = [w.path for w in model.non_trainable_weights]
    model.save(tmp_path / "part.keras")
    model.export(tmp_path / "1")
    for part in (keras.models.load_model(tmp_path / "part.keras"), tfflows.load(tmp_path / "1")):
        assert len(part.non_trainable_weights) == len(frozen) == 6
        assert not part.flow.layers[1].network.trainable and part.flow.layers[3].network.trainable
    model.trainable = False
    model.save(tmp_path / "all.keras")
    for whole in (
        keras.models.load_model(tmp_path / "all.keras"),
        tfflows.RealNVP(2, (4,), normalization="batch", trainable=False),
    ):
        whole.build((None, DIM))
        before = [w.numpy() for w in whole.weights]
        keras.Sequential([whole, keras.layers.Reshape([1])])(X + 3.0, training=True)
        for weight, old in zip(whole.weights, before):
            np.testing.assert_array_equal(weight, old)


def test_clones_have_rotations_of_their_own():
    model = keras.models.clone_model(tfflows.NeuralSplineFlow(2, 4, 1))
    model.build((None, DIM))
    first, second = (layer(np.eye(DIM))[0] for layer in model.flow.layers[::2])
    assert np.abs(first - second).max() > 1e-2


def test_a_mask_of_ones_own_alternates_too():
    mask = tfflows.masks.Half(swap=True)
    model = tfflows.RealNVP(3, (8,), mask=mask)
    model.build((None, DIM))
    assert [layer.mask.swap for layer in model.flow.layers] == [True, False, True]
    again = tfflows.RealNVP.from_config(model.get_config())
    assert [layer.mask.swap for layer in again.flow.layers] == [True, False, True] and mask.swap


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (lambda: tfflows.RealNVP(2, (8,)), (DIM,)),
        (lambda: tfflows.Glow(1, 1, 4, num_classes=2), (4, 4, 1)),
        (lambda: tfflows.PixelCNNPlusPlus(4, num_classes=2), (4, 4, 1)),
        (lambda: tfflows.PixelCNNPlusPlus(4, num_levels=1, kernel_size=1), (4, 4, 1)),
    ],
)
def test_summary_tells_of_the_weights(model, shape, capsys):
    model = model()
    model.build((None, *shape))
    model.summary()
    assert f"{model.count_params()}" in capsys.readouterr().out.replace(",", "")


@pytest.mark.parametrize(
    "batches, epochs, kept", [(0, 1, 0), (1, 1, 0), (5, 1, 4), (2, 3, 4)], ids=str
)
def test_a_non_finite_loss_stops_training_and_keeps_what_was_good(
    batches, epochs, kept, monkeypatch
):
    """After so many good batches; copies are made after every second, and proved by the next."""
    monkeypatch.setattr("tfflows.models.non_finite_guard.INTERVAL", 2)
    model, x, _, _ = fitted(ROWS[0])
    x = x[: 32 * 5]
    variables = [*model.weights, *model.optimizer.variables]
    start = [np.array(v) for v in variables]
    order = np.arange(epochs * batches) % max(batches, 1)
    good = [x[32 * i : 32 * (i + 1)] for i in order]
    for batch in good[:kept]:
        model.fit(batch, batch_size=32, verbose=0)
    expected = [np.array(v) for v in variables]
    for variable, value in zip(variables, start):
        variable.assign(value)
    bad = np.full([32, DIM], 1e30, "float32")
    rows = tf.data.Dataset.from_tensor_slices(np.concatenate([*good, bad, bad])).batch(32)
    message = f"are again as they were {epochs * batches + 1 - kept} batches before"
    with pytest.raises(FloatingPointError, match=message):
        model.fit(rows.repeat(), steps_per_epoch=max(batches, 1), epochs=9, verbose=0)
    for value, variable in zip(expected, variables):
        np.testing.assert_allclose(variable, value, rtol=1e-5, atol=1e-7)
    model.fit(x, batch_size=64, verbose=0)  # and on it goes, its moments finite too
    assert np.isfinite(model.log_prob(x)).all()


def test_what_the_last_step_leaves_is_looked_at():
    model, x = ROWS[0].make(), ROWS[0].data(64)[0]
    model.compile(keras.optimizers.SGD(np.inf))
    model.adapt(x)
    start = model.get_weights()
    with pytest.raises(FloatingPointError, match="last batch, .* NaN .* were 1 batches before"):
        model.fit(x, batch_size=64, verbose=0)
    for value, expected in zip(model.get_weights(), start):
        np.testing.assert_array_equal(value, expected)


def test_what_was_restored_when_training_began_is_good():
    class Restores(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.restored = [np.full(w.shape, 0.01) for w in self.model.weights]
            self.model.set_weights(self.restored)

    model, x, _, _ = fitted(ROWS[0])
    x[32:64] = 1e30
    callback = Restores()
    with pytest.raises(FloatingPointError, match="as they were 2 batches before"):
        model.fit(x, batch_size=32, shuffle=False, callbacks=callback, verbose=0)
    for weight, value in zip(model.weights, callback.restored):
        np.testing.assert_allclose(weight, value)


@pytest.mark.parametrize(
    "name", ["spline_coupling", "multi_scale_real_nvp", "flow_plus_plus", "local_pixel_cnn"]
)
def test_models_are_trained_and_sampled_in_float64(name):
    row = next(r for r in ROWS if r.name == name)
    model, (x, c) = row.make(dtype="float64"), row.data(32)
    model.compile("adam")
    model.fit(x, c, verbose=0)
    assert model.log_prob(x, c).dtype == "float64"
    assert np.isfinite(model.sample(2, some(c, 2), seed=0)).all()
