"""A density model within another Keras model: of what a network makes of the condition, say."""

import keras
import numpy as np
import pytest

import tfflows

RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=[64, 3]).astype("float32")
SEEN = RANDOM.normal(size=[64, 5]).astype("float32")
LABELS = np.arange(64) % 2


def flow(**options):
    return tfflows.MAF(num_layers=2, units=(8,), **options)


def negative(_, log_prob):
    return -log_prob


@keras.saving.register_keras_serializable("tests")
class Amortized(keras.Model):
    """p(x | a network's summary of what was seen)."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.summary = keras.layers.Dense(4)
        self.density = flow()

    def call(self, inputs):
        x, seen = inputs
        return self.density((x, self.summary(seen)))


def functional():
    x, seen = keras.Input([3]), keras.Input([5])
    return keras.Model([x, seen], flow()((x, keras.layers.Dense(4, "tanh")(seen))))


@pytest.mark.parametrize("make", [Amortized, functional])
def test_it_is_trained_and_saved_with_the_network_of_its_condition(make, tmp_path):
    keras.utils.set_random_seed(0)
    model = make()
    model.compile(keras.optimizers.Adam(1e-2), loss=negative)
    losses = model.fit([X, SEEN], np.zeros(64), epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    inputs = [X, SEEN]
    expected = model.predict(inputs, verbose=0)
    np.testing.assert_allclose(loaded.predict(inputs, verbose=0), expected, rtol=1e-6)
    assert np.std(expected - model.predict([X, SEEN[::-1]], verbose=0)) > 1e-3


def test_it_is_the_last_layer_of_a_sequence():
    model = keras.Sequential([keras.layers.Dense(4), flow()])
    log_prob = model(X)
    network, density = model.layers
    np.testing.assert_allclose(log_prob, density.log_prob(network(X)), rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "inputs"),
    [({}, X), ({}, (X, SEEN)), ({"num_classes": 2}, (X, LABELS)), ({}, [X, SEEN])],
)
def test_a_call_builds_it(options, inputs):
    model = flow(**options)
    log_prob = model(inputs)
    both = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    np.testing.assert_allclose(log_prob, model.log_prob(*both), rtol=1e-6)


def test_it_tells_the_shape_of_what_it_gives():
    assert flow().compute_output_shape([(None, 3), (7, 5)]) == (None,)
    assert keras.Sequential([keras.layers.Dense(4), flow()]).compute_output_shape((7, 3)) == (7,)
    steps = keras.Input([5, 3])
    model = keras.Model(steps, keras.layers.TimeDistributed(flow())(steps))
    assert model.output_shape == (None, 5)
    x = np.stack([X[:5], X[5:10]])
    density = model.layers[-1].layer
    expected = [density.log_prob(row) for row in x]
    np.testing.assert_allclose(model(x), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "make", [lambda: tfflows.Glow(1, 1, 4), lambda: tfflows.PixelCNNPlusPlus(4, num_levels=1)]
)
def test_a_call_builds_models_of_images(make):
    assert make()(np.zeros([2, 4, 4, 1], "uint8")).shape == (2,)


def test_what_was_trained_there_is_not_adapted_again(tmp_path):
    x = keras.Input([3])
    density = flow(normalization="act")
    model = keras.Model(x, density(x))
    model.compile(keras.optimizers.Adam(1e-2), loss=negative)
    model.fit(3 * X + 1, np.zeros(64), epochs=3, verbose=0)
    density.export(tmp_path / "1")
    for one in (density, tfflows.load(tmp_path / "1")):
        before = one.get_weights()
        one.compile(keras.optimizers.SGD(0.0))
        one.fit(3 * X + 1, verbose=0)
        for old, new in zip(before, one.get_weights(), strict=True):
            np.testing.assert_array_equal(new, old)
