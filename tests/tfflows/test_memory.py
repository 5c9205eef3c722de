"""The memory modes: the gradients of plain backpropagation, for less memory."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.tfflows.test_tfp import off_identity
from tfflows.layers import (
    ActNorm,
    BatchNormalization,
    Chain,
    Coupling,
    Invert,
    InvertibleLinear,
    Permute,
)
from tfflows.memory.recompute import segments
from tfflows.memory.reversible import reversible
from tfflows.memory.step import Step
from tfflows.networks import MLP, ConvNet

MODES = ("recompute", "reversible")
IMAGE, CONDITION = (4, 4, 4), (4, 4, 2)
each_mode = pytest.mark.parametrize("memory", MODES)


def chain(memory, network=lambda: ConvNet((8, 8), name="network"), shape=IMAGE, condition=None):
    keras.utils.set_random_seed(0)
    layers = []
    for i in range(3):
        layers += [ActNorm(name=f"norm_{i}"), InvertibleLinear(seed=i, name=f"linear_{i}")]
        layers += [Coupling("channel", network(), name=f"coupling_{i}")]
    layers = [Chain(layers[:4], memory, name="nested"), *layers[4:], Permute("reverse", name="end")]
    layer = Chain(layers, memory, name="flow")
    layer.build((None, *shape), None if condition is None else (None, *condition))
    for seed, weight in enumerate(layer.trainable_weights):
        weight.assign_add(0.1 * np.random.RandomState(seed).normal(size=weight.shape))
    return layer


def gradients(memory, inverse, in_graph):
    """Values and gradients of a chain by weights, input and an image condition."""
    layer = chain(memory, condition=CONDITION)
    x = tf.random.stateless_normal([5, *IMAGE], [0, 1])
    c = tf.random.stateless_normal([5, *CONDITION], [0, 2])

    def compute(x, c):
        with tf.GradientTape() as tape:
            tape.watch([x, c])
            z, log_det = (layer.inverse_and_log_det if inverse else layer)(x, c)
            value = tf.reduce_mean(z**3) - tf.reduce_mean(log_det**2)
        return z, log_det, tape.gradient(value, [x, c, *[w.value for w in layer.trainable_weights]])

    z, log_det, found = (tf.function(compute, autograph=False) if in_graph else compute)(x, c)
    return [value.numpy() for value in (z, log_det, *found)]


@pytest.mark.parametrize("inverse", [False, True], ids=["forward", "inverse"])
@pytest.mark.parametrize("in_graph", [False, True], ids=["eager", "graph"])
def test_gradients_are_those_of_plain_backpropagation(inverse, in_graph):
    plain, recomputed, rebuilt = (gradients(m, inverse, in_graph) for m in (None, *MODES))
    for a, b, c in zip(plain, recomputed, rebuilt):
        assert np.abs(a).max() > 0
        assert np.linalg.norm(b - a) < 2e-6 * np.linalg.norm(a)  # another order of adding log-dets
        assert np.linalg.norm(c - a) < 1e-4 * np.linalg.norm(a)


@pytest.mark.parametrize(("memory", "times"), [(None, 1), ("recompute", 2), ("reversible", 3)])
def test_how_often_a_network_runs_in_a_training_step(memory, times):
    calls = []

    class Spy(MLP):
        def call(self, inputs):
            calls.append(self)
            return super().call(inputs)

    layer = Chain([Coupling("half", Spy([4], name="network"), name="coupling")], memory)
    layer.build((None, 2))
    calls.clear()
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(layer(tf.ones([3, 2]))[0])
    tape.gradient(value, [w.value for w in layer.trainable_weights])
    assert len(calls) == times


PIXELS = np.random.RandomState(0).randint(0, 8, (32, 8, 8, 1)).astype("float32")


def trained(memory, strategy):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = tfflows.Glow(2, 1, 8, num_bits=3, dequantization=None, seed=1, memory=memory)
        model.build((None, 8, 8, 1))
        optimizer = keras.optimizers.SGD(1e-3, use_ema=True, ema_momentum=0.5)
        model.compile(optimizer, jit_compile=False)
    model.fit(PIXELS, epochs=2, batch_size=16, shuffle=False, verbose=0)
    return [w.numpy() for w in model.weights]


@pytest.fixture(scope="module")
def weights_without_a_mode():
    return trained(None, tf.distribute.get_strategy())


@each_mode
def test_fit_takes_the_same_steps_with_averages(memory, weights_without_a_mode):
    for a, b in zip(trained(memory, tf.distribute.get_strategy()), weights_without_a_mode):
        np.testing.assert_allclose(a, b, atol=2e-5)


@each_mode
def test_two_replicas_take_the_same_steps(memory, two_replicas, weights_without_a_mode):
    for a, b in zip(trained(memory, two_replicas), weights_without_a_mode):
        np.testing.assert_allclose(a, b, atol=2e-5)


def test_bfloat16_networks_and_the_levels_of_a_model_take_the_mode():
    model = tfflows.Glow(2, 1, 8, seed=1, memory="reversible", dtype="mixed_bfloat16")
    model.compile("adam")
    model.fit(PIXELS.astype("uint8"), epochs=2, verbose=0)
    assert [level.memory for level in model.multi_scale.levels] == ["reversible"] * 2
    again = tfflows.Glow.from_config(model.get_config())
    assert again.memory == again.multi_scale.levels[0].memory == "reversible"


@pytest.mark.parametrize("make", [tfflows.RealNVP, tfflows.MAF, tfflows.NeuralSplineFlow])
def test_models_of_vectors_take_the_mode(make):
    gradients = []
    x = np.random.RandomState(0).normal(size=(16, 4)).astype("float32")
    for memory in (None, "recompute"):
        keras.utils.set_random_seed(0)
        model = make(2, memory=memory)
        model.build((None, 4))
        off_identity(model)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model.log_prob(x))
        gradients.append(tape.gradient(loss, [w.value for w in model.trainable_weights]))
    for plain, lean in zip(*gradients):
        assert np.abs(plain).max() > 0
        np.testing.assert_allclose(lean, plain, atol=1e-5, rtol=1e-4)
    assert make.from_config(model.get_config()).flow.memory == "recompute"


def test_xla_compiles_recomputation_and_is_not_chosen_for_a_check_it_drops():
    layers = [Coupling("half", MLP([8], name="network"), name=f"coupling_{i}") for i in range(2)]
    model = tfflows.FlowModel(Chain(layers, "recompute", name="flow"))
    model.compile(keras.optimizers.SGD(1e-2), jit_compile=True)
    model.fit(np.random.RandomState(0).normal(size=(32, 4)).astype("float32"), verbose=0)
    assert not Chain([ActNorm()], "reversible").supports_jit


class OtherInTraining(keras.layers.Layer):
    """A network without a state, which training changes in one of several ways."""

    def __init__(self, change, **kwargs):
        super().__init__(**kwargs)
        self.change = change
        self.dense = keras.layers.Dense(8, "tanh", name="dense")

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, inputs, training=None):
        features = self.dense(inputs)
        return self.change(features) if training else features

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 8)


CHANGES = {
    "scale": lambda features: 3.0 * features,
    "mean": lambda features: features - tf.reduce_mean(features, 0, keepdims=True),
}


def gradients_in_training(memory, turn, change):
    keras.utils.set_random_seed(0)
    layers = [Coupling("half", OtherInTraining(CHANGES[change]), name=name) for name in "ab"]
    layer = turn(Chain(layers, memory, name="chain"))
    layer.build((None, 4))
    off_identity(layer)
    x = tf.random.stateless_normal([6, 4], [0, 1])
    with tf.GradientTape() as tape:
        z, log_det = layer(x, training=True)
        value = tf.reduce_mean(z**3) - tf.reduce_mean(log_det)
    gradients = tape.gradient(value, [w.value for w in layer.trainable_weights])
    return np.concatenate([np.ravel(gradient) for gradient in gradients])


@pytest.mark.parametrize("turn", [lambda layer: layer, Invert], ids=["forward", "inverse"])
@pytest.mark.parametrize("change", CHANGES)
def test_the_backward_pass_knows_that_it_is_of_training(change, turn):
    plain, recomputed, rebuilt = (gradients_in_training(m, turn, change) for m in (None, *MODES))
    for other in (recomputed, rebuilt):
        assert np.linalg.norm(other - plain) < 1e-4 * np.linalg.norm(plain)


@each_mode
def test_a_layer_that_is_random_without_a_state_is_refused(memory):
    network = OtherInTraining(lambda features: tf.nn.dropout(features, 0.5), name="network")
    chain = Chain([ActNorm(name="good"), Coupling("half", network, name="bad")], memory)
    with pytest.raises(ValueError, match=rf"Layer 'bad' .*memory='{memory}'.*random in training"):
        chain.build((None, 4))


class NetworkWithStatistics(keras.layers.Layer):
    def build(self, input_shape):
        self.normalize = keras.layers.BatchNormalization(name="normalize")
        self.normalize.build(input_shape)

    def call(self, inputs):
        return self.normalize(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape


REFUSED = {
    "dropout": lambda: Coupling("half", MLP([4], dropout=0.1, name="network"), name="bad"),
    "bad": lambda: BatchNormalization(name="bad"),
    "normalize": lambda: Coupling("half", NetworkWithStatistics(), name="bad"),
}


@each_mode
@pytest.mark.parametrize("part", REFUSED)
def test_layers_that_change_in_training_are_refused(memory, part):
    chain = Chain([ActNorm(name="good"), REFUSED[part]()], memory)
    message = rf"Layer 'bad' .*memory='{memory}'.*a layer with {part} \(\w+\)\."
    with pytest.raises(ValueError, match=message):
        chain.build((None, 4))


def test_losses_of_layers_are_trained_on_or_refused():
    def chain(memory):
        keras.utils.set_random_seed(0)
        network = keras.layers.Dense(3, activity_regularizer=keras.regularizers.L2(0.1))
        made = Chain([Coupling("half", network, name="bad")], memory)
        made.build((None, 4))
        return made, network

    with pytest.raises(ValueError, match="memory='recompute': a call in training adds a loss"):
        chain("recompute")
    gradients = []
    for memory in (None, "reversible"):
        made, network = chain(memory)
        with tf.GradientTape() as tape:
            made(tf.ones([8, 4]), training=True)
            (loss,) = made.losses
        gradients.append(tape.gradient(loss, network.kernel))
    np.testing.assert_allclose(*gradients, rtol=1e-5)
    assert np.abs(gradients[0]).max() > 1e-3


def test_other_modes_are_refused():
    with pytest.raises(ValueError, match="`memory` should be"):
        Chain([], memory="less")


def test_a_chain_that_cannot_be_rebuilt_stops_training():
    # Almost singular: the direction it all but forgets does not come back.
    kernel = np.diag([1.0, 1e-9]) @ np.linalg.qr(np.random.RandomState(0).normal(size=(2, 2)))[0]
    lossy = InvertibleLinear("full", keras.initializers.Constant(kernel), name="lossy")
    flow = Chain([lossy, Permute("reverse", name="reverse")], "reversible", name="flow")
    model = tfflows.FlowModel(flow)
    model.compile(keras.optimizers.SGD(1e-3))
    x = np.random.RandomState(1).normal(size=(64, 2)).astype("float32")
    model.build((None, 2))
    before = lossy.kernel.numpy()
    with pytest.raises(tf.errors.InvalidArgumentError, match="could not rebuild its input"):
        model.fit(x, verbose=0)
    np.testing.assert_array_equal(lossy.kernel, before)


@pytest.mark.parametrize("memory", [None, *MODES])
def test_a_loss_that_is_no_number_is_told_of_as_such(memory):
    model = tfflows.Glow(1, 1, 4, seed=1, memory=memory, dequantization=None)
    model.compile(keras.optimizers.SGD(1e25))
    x = np.random.RandomState(0).uniform(0, 255, (12, 4, 4, 1)).astype("float32")
    model.build((None, 4, 4, 1))
    model.adapt(x)
    before = model.get_weights()
    with pytest.raises(FloatingPointError, match="The loss is "):
        model.fit(x, batch_size=4, epochs=3, verbose=0)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("error", "stops"), [(0.0, False), (0.01, True)])
def test_one_example_that_is_not_rebuilt_is_seen_among_many(error, stops):
    wrong = tf.one_hot([0], 1000, error)[0, :, tf.newaxis]
    step = Step(lambda x: (x**3, tf.zeros(1000)), lambda z: (z ** (1 / 3) + wrong, None))
    x = tf.ones([1000, 1])
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = reversible([step], x)[0]
    if stops:
        with pytest.raises(tf.errors.InvalidArgumentError, match="of an example"):
            tape.gradient(value, x)
    else:
        np.testing.assert_allclose(tape.gradient(value, x), np.full([1000, 1], 3.0), rtol=1e-5)


def test_a_segment_ends_with_a_network():
    steps = chain("recompute")._steps()
    assert [len(segment) for segment in segments(steps)] == [1, 2, 3, 1]


@pytest.mark.parametrize("in_graph", [False, True], ids=["eager", "graph"])
@pytest.mark.parametrize(
    ("memory", "message"),
    [("recompute", "recompute_grad tried to"), ("reversible", "has first derivatives only")],
)
def test_second_derivatives_are_refused(memory, message, in_graph):
    layer, x = chain(memory), tf.random.stateless_normal([2, *IMAGE], [0, 1])

    def second(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                z, log_det = layer(x)
                value = tf.reduce_sum(z**3) + tf.reduce_sum(log_det)
            gradient = inner.gradient(value, x)
            total = tf.reduce_sum(gradient**2)
        return outer.gradient(total, x)

    with pytest.raises(NotImplementedError, match=message):
        (tf.function(second, autograph=False) if in_graph else second)(x)
