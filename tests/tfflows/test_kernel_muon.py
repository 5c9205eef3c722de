"""Muon on the kernels of a model, Adam on the rest."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows import FlowModel, Glow, KernelMuon, PixelCNNPlusPlus, RealNVP, layers, networks
from tfflows.distributions import DiscretizedLogisticHead
from tfflows.kernel_muon import ROOT_MEAN_SQUARE, orthogonal

SHAPES = [(3, 8), (8, 3), (40, 40), (200, 64)]


def pixel_cnn():
    model = PixelCNNPlusPlus(units=8, num_blocks=1, num_levels=1, num_components=2, seed=1)
    model.build((None, 8, 8, 1))
    return model


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_singular_values_are_near_one(shape, dtype):
    matrix = np.random.default_rng(1).normal(size=shape).astype("float32")
    found = np.array(tf.cast(orthogonal(tf.cast(matrix, dtype)), "float32"))
    values = np.linalg.svd(found, compute_uv=False)
    assert 0.5 < values.min() and values.max() < 1.3
    # The polar factor of the same singular vectors.
    u, _, v = np.linalg.svd(matrix, full_matrices=False)
    cosine = np.sum(found * (u @ v)) / np.linalg.norm(found) / np.linalg.norm(u @ v)
    assert cosine > 0.95


def test_kernels_but_heads_are_taken():
    model = pixel_cnn()
    optimizer = KernelMuon()
    taken = {x.path for x in model.trainable_variables if optimizer.takes(x)}
    expected = {x.path for x in model.trainable_variables if x.name == "direction"}
    assert taken == expected and len(taken) > 10
    assert any("/head/" in x.path and x.name == "kernel" for x in model.trainable_variables)


def sequential():
    return keras.Sequential([keras.layers.Dense(8), DiscretizedLogisticHead(num_components=2)])


def functional():
    inputs = keras.Input([4])
    hidden = keras.layers.Dense(8, name="ahead")(inputs)
    return keras.Model(inputs, DiscretizedLogisticHead(num_components=2, name="head")(hidden))


@pytest.mark.parametrize("make", [sequential, functional])
def test_heads_of_keras_models_are_left_to_adam(make):
    for _ in range(2):  # the second time Keras numbers the names
        model = make()
        model.build((None, 4))
        hidden, head = (x for x in model.trainable_variables if x.name == "kernel")
        assert KernelMuon().takes(hidden) and not KernelMuon().takes(head)


@pytest.mark.parametrize(
    "linear, name", [("plu", "lu"), ("full", "matrix"), ("emerging", "taps"), ("periodic", "taps")]
)
def test_matrices_of_a_linear_flow_are_left_to_adam(linear, name):
    model = Glow(num_levels=2, num_steps=1, units=8, seed=1, linear=linear)
    model.build((None, 16, 16, 1))
    optimizer = KernelMuon()
    taken = {x.path for x in model.trainable_variables if optimizer.takes(x)}
    assert taken and all("/network/" in path for path in taken)
    assert any(x.name == name for x in model.trainable_variables)


def test_step_is_the_one_written_out():
    rng, rate, momentum = np.random.default_rng(2), 0.1, 0.9
    layer = keras.layers.Conv2D(5, 3)
    layer.build((None, 8, 8, 2))
    optimizer = KernelMuon(rate, momentum=momentum)
    kernel, buffer = np.array(layer.kernel), 0.0
    for _ in range(3):
        gradient = rng.normal(size=kernel.shape).astype("float32")
        optimizer.apply([gradient, np.zeros(5, "float32")], layer.trainable_variables)
        buffer = momentum * buffer + gradient
        matrix = (gradient + momentum * buffer).reshape(18, 5)
        update = np.array(orthogonal(tf.constant(matrix))).reshape(kernel.shape)
        kernel -= rate * ROOT_MEAN_SQUARE * np.sqrt(18) * update
        np.testing.assert_allclose(layer.kernel, kernel, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(layer.bias, np.zeros(5))


def test_what_it_leaves_is_adam():
    weight = [keras.Variable(np.ones(4, "float32"), name="bias") for _ in range(2)]
    gradient = np.arange(4, dtype="float32")
    KernelMuon(0.1, epsilon=1e-5).apply([gradient], weight[:1])
    keras.optimizers.Adam(0.1, epsilon=1e-5).apply([gradient], weight[1:])
    np.testing.assert_array_equal(*weight)


def test_excluded_kernels_are_left_to_adam():
    model = pixel_cnn()
    optimizer = KernelMuon(exclude=["/head/", "first_"])
    assert not any(
        optimizer.takes(x) for x in model.trainable_variables if "first_" in x.path
    ) and any(optimizer.takes(x) for x in model.trainable_variables)


def test_fit_save_and_go_on(tmp_path):
    x = np.random.default_rng(3).normal(size=[32, 4]) + 1
    model = RealNVP(2, (8, 8))
    model.compile(KernelMuon(1e-2, use_ema=True, global_clipnorm=1e5))
    losses = model.fit(x, epochs=4, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.optimizer) is KernelMuon
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    for one in (model, loaded):
        one.fit(x, epochs=1, batch_size=16, shuffle=False, verbose=0)
    assert any(model.optimizer.takes(x) for x in model.trainable_variables)
    for one, other in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize(
    "bad, match",
    [
        ({"product_dtype": "float33"}, "float33"),
        ({"exclude": "/head/"}, "`exclude` should be a list of regular expressions. Received"),
    ],
)
def test_bad_arguments_are_refused(bad, match):
    with pytest.raises(ValueError, match=match):
        KernelMuon(**bad)


def test_a_loaded_model_excludes_the_same_kernels(tmp_path):
    def coupling(i):
        return layers.Coupling("half", networks.MLP([8], name=f"network_{i}"), name=f"c{i}")

    model = FlowModel(layers.Chain([coupling(0), coupling(1)]))
    model.compile(KernelMuon(1e-2, exclude=["c0/", "hidden_1", "/head/"]))
    model.fit(np.random.default_rng(3).normal(size=[32, 4]), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    taken = [[one.optimizer.takes(x) for x in one.trainable_variables] for one in (model, loaded)]
    assert taken[0] == taken[1] and sum(taken[0]) == 2
