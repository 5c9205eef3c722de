"""Dequantizations: noise that stays in its bin, and the bound that it costs."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import tfflows
from tests.tfflows.test_tfp import off_identity
from tfflows import FlowModel
from tfflows.dequantization import UniformDequantization, VariationalDequantization
from tfflows.layers import ActNorm, Chain, Coupling, Logit, Rescale, Squeeze, Unsqueeze
from tfflows.models.log_mean_exp import log_mean_exp
from tfflows.networks import MLP, ConvNet

BINS = [
    {"bin_width": 1.0},
    {"bin_width": 1.0, "centered": True},
    {"bin_width": 1 / 256},
    {"bin_width": 0.01},
    {"bin_width": 0.01, "centered": True},
    {"bin_width": [1.0, 0.25, 0.1]},
]
each_bins = pytest.mark.parametrize("bins", BINS, ids=str)


def values(bins, n=4096):
    index = np.random.RandomState(0).randint(0, 1000, [n, 3])
    return (index * np.asarray(bins["bin_width"])).astype("float32")


@each_bins
def test_discretize_undoes_the_noise(bins):
    layer, y = UniformDequantization(**bins), values(bins)
    x, log_q = layer(y, seed=1)
    assert len(np.unique(x - y)) > 1000
    np.testing.assert_array_equal(layer.discretize(x), y)
    np.testing.assert_array_equal(layer.discretize(y), y)
    widths = np.broadcast_to(bins["bin_width"], 3)
    np.testing.assert_allclose(log_q, len(y) * [-np.log(widths).sum()], rtol=1e-6)


@pytest.mark.parametrize("bins", BINS[:3], ids=str)
@pytest.mark.parametrize("edge", [0.0, 1e-30, 1.0 - 2.0**-24, 1.0])
def test_noise_at_the_edge_stays_in_the_bin(bins, edge):
    class Edge(UniformDequantization):
        def _noise(self, y, seed):
            return tf.fill(tf.shape(y), edge), tf.zeros([len(y)])

    layer, y = Edge(**bins), values(bins)
    np.testing.assert_array_equal(layer.discretize(layer(y)[0]), y)


def test_discretize_clips_to_the_levels():
    x = np.float32([[-7.3, 0.2, 3.999, 4.0, 900.0, np.inf]])
    layer = UniformDequantization(num_levels=4)
    assert layer.discretize(x).numpy().tolist() == [[0, 0, 3, 3, 3, 3]]
    assert UniformDequantization().discretize(x)[0, :5].numpy().tolist() == [-8, 0, 3, 4, 900]


def test_an_int_is_the_same_seed_everywhere():
    layer, y = UniformDequantization(), np.zeros([5, 2], "float32")
    expected = tf.random.stateless_uniform([5, 2], [0, 7])
    for seed in (7, np.int64(7), tf.constant(7), [0, 7], (0, 7), tf.constant([0, 7])):
        np.testing.assert_array_equal(layer(y, seed=seed)[0], expected)
    assert not np.array_equal(layer(y)[0], layer(y)[0])
    model = discrete_model()
    assert np.array_equal(model.stateless_seed(7), [0, 7])
    for seed in (1.5, [1, 2, 3], "a", [2**31, 0], tf.constant([2**31, 0], tf.int64)):
        with pytest.raises((ValueError, TypeError)):
            layer(y, seed=seed)


@pytest.mark.parametrize("kwargs", [{"bin_width": 0.0}, {"bin_width": [[1.0]]}, {"num_levels": 1}])
def test_bad_arguments_are_refused(kwargs):
    with pytest.raises(ValueError, match="should be"):
        UniformDequantization(**kwargs)


# -- noise that is learned --------------------------------------------------------------------


def couplings(make, mask, count=2):
    layers = [Coupling(mask, make(), name=f"coupling_{i}") for i in range(count)]
    for i, layer in enumerate(layers):
        layer.mask.swap = bool(i % 2)
    return layers


def variational(network=None, **kwargs):
    """For pairs of values."""
    flow = Chain(couplings(lambda: MLP([16], "tanh", name="network"), "half"), name="flow")
    return VariationalDequantization(flow, network, num_levels=4, **kwargs)


def variational_for_images():
    """Couplings at half the resolution, and a network that takes the image there."""
    layers = couplings(lambda: ConvNet((8,), (3,), name="network"), "channel")
    flow = Chain([Squeeze(name="squeeze"), *layers, Unsqueeze(name="unsqueeze")], name="flow")
    network = keras.layers.Conv2D(5, 2, strides=2, name="network")
    return VariationalDequantization(flow, network, num_levels=4)


@pytest.mark.parametrize("bins", BINS[:3], ids=str)
def test_where_its_flow_is_the_identity_noise_is_uniform(bins):
    layer, y = variational(**bins), np.zeros([20000, 2], "float32")
    x, log_q = layer(y, seed=1)
    assert any("kernel" in w.path for w in layer.trainable_weights)
    np.testing.assert_allclose(log_q, UniformDequantization(**bins)(y)[1], atol=1e-6)
    u = np.ravel(x) / bins["bin_width"] + 0.5 * bins.get("centered", False)
    assert scipy.stats.kstest(u, "uniform").pvalue > 0.01


@pytest.mark.parametrize("make", [variational, variational_for_images])
def test_log_q_is_the_density_of_the_noise(make):
    layer = make()
    y = np.random.RandomState(0).randint(0, 4, [1, 2] if make is variational else [1, 2, 2, 1])
    y = np.repeat(y, 4000, 0)
    layer.build(y.shape)
    off_identity(layer)  # not too far: of heavy tails, a mean says little
    x, log_q = layer(y, seed=1)
    np.testing.assert_array_equal(layer.discretize(x), y)
    assert np.std(log_q) > 0.1
    # The mean of 1 / q is the volume of what q covers, all of a bin.
    weights = np.exp(-log_q)
    assert abs(weights.mean() - 1) < 5 * weights.std() / np.sqrt(len(y))
    if make is variational:
        counts = np.histogram2d(*(x - y).numpy().T, bins=4, range=2 * [[0, 1]])[0]
        assert counts.std() > 30  # far from uniform


@pytest.mark.parametrize("centered", [False, True])
def test_learned_noise_stays_in_its_bin_however_far_it_is_pushed(centered):
    layer = variational(centered=centered)
    y = np.random.RandomState(0).randint(0, 4, [5000, 2])
    layer.build(y.shape)
    off_identity(layer, 10.0)
    x, log_q = layer(y, seed=1)
    u = x - y + 0.5 * centered
    assert np.min(u) == 0.0 and np.max(u) > 1 - 1e-6  # pushed indeed
    np.testing.assert_array_equal(layer.discretize(x), y)
    assert np.isfinite(log_q).all()


def test_noise_depends_on_the_values_through_the_network():
    layer = variational_for_images()
    y = np.zeros([2, 4, 4, 1])
    y[1, 3, 3] = 1
    layer.build(y.shape)
    off_identity(layer, 0.3)
    noise = [layer(y, seed=1)[0] - y, layer(y[:, ::-1], seed=1)[0] - y[:, ::-1]]
    np.testing.assert_array_equal(noise[0][0], noise[1][0])
    assert np.abs(noise[0][1] - noise[1][1]).max() > 1e-3


def test_a_flow_that_changes_the_shape_is_refused():
    with pytest.raises(ValueError, match="keep the shape"):
        VariationalDequantization(Squeeze()).build((None, 4, 4, 1))


# -- models -----------------------------------------------------------------------------------

LEVELS = 4


def discrete_model(dequantization=None):
    layers = [Logit(1e-4, high=LEVELS, name="logit")]
    for i in range(2):
        layers.append(Coupling("half", MLP([16], "tanh", name="network"), name=f"coupling_{i}"))
        layers[-1].mask.swap = bool(i)
    dequantization = dequantization or UniformDequantization(num_levels=LEVELS)
    model = FlowModel(Chain(layers, name="flow"), dequantization=dequantization)
    model.build((None, 2))
    off_identity(model.flow)
    return model


def exact_log_probs(model, points=128):
    """Log-probabilities of all pairs of values: the density, summed over each bin."""
    axis = (np.arange(LEVELS * points, dtype="float32") + 0.5) / points
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    z, log_det = model.flow(grid)
    density = np.reshape(np.exp(model.base(z) + log_det), 2 * [LEVELS, points])
    return np.log(density.mean((1, 3))).ravel()


def all_values(repeat):
    pairs = np.stack(np.meshgrid(*2 * [np.arange(LEVELS)], indexing="ij"), -1).reshape(-1, 2)
    return np.repeat(pairs, repeat, 0)


def assert_bound_rises_to_the_exact_value(model, counts=(1, 4, 16, 1024), repeat=200):
    exact, log_prob = exact_log_probs(model), tf.function(model.log_prob, autograph=False)
    means, errors = [], []
    for count in counts:
        bound = log_prob(all_values(repeat), seed=(0, 5), num_importance_samples=count)
        bound = np.reshape(bound, [-1, repeat])
        means.append(bound.mean(1))
        errors.append(bound.std(1) / np.sqrt(repeat))
        assert (means[-1] <= exact + 4 * errors[-1]).all()
    assert (np.diff(np.mean(means, 1)) > 0).all()
    assert np.mean(means[0]) < np.mean(exact) - 4 * np.linalg.norm(errors[0]) / len(exact)
    np.testing.assert_array_less(np.abs(means[-1] - exact), 4 * errors[-1] + 2e-3)


@pytest.mark.parametrize("kind", ["uniform", "variational"])
def test_bound_rises_with_importance_samples_to_the_exact_value(kind):
    model = discrete_model(variational() if kind == "variational" else None)
    off_identity(model.dequantization)
    assert_bound_rises_to_the_exact_value(model)


def test_learning_the_noise_tightens_the_bound():
    model, y = discrete_model(variational()), all_values(100)
    exact = np.mean(exact_log_probs(model))
    start = np.mean(model.log_prob(y, seed=1))
    model.flow.trainable = False
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(y, epochs=30, batch_size=200, verbose=0)
    learned = np.mean(model.log_prob(y, seed=1))
    np.testing.assert_allclose(exact, np.mean(exact_log_probs(model)))
    assert exact - learned < 0.5 * (exact - start)
    assert learned < exact


def test_model_with_learned_noise_is_saved_whole(tmp_path):
    model = FlowModel(couplings(MLP, "half")[0], dequantization=variational())
    y = all_values(8)
    model.compile(keras.optimizers.Adam(1e-2))
    model.build((None, 2))
    before = [w.numpy() for w in model.dequantization.trainable_weights]
    model.fit(y, epochs=1, batch_size=16, verbose=0)
    changed = [np.any(a != b) for a, b in zip(before, model.dequantization.trainable_weights)]
    assert changed and all(changed)
    model.export(tmp_path / "1")
    model.save(tmp_path / "model.keras")
    expected = model.log_prob(y, seed=3, num_importance_samples=3)
    for other in (tfflows.load(tmp_path / "1"), keras.models.load_model(tmp_path / "model.keras")):
        found = other.log_prob(y, seed=3, num_importance_samples=3)
        np.testing.assert_array_equal(found, expected)


def test_samples_have_values_of_the_data_and_their_frequencies():
    model = discrete_model()
    y = model.sample(20000, seed=1)
    assert y.dtype == tf.float32 and set(np.unique(y)) == {0.0, 1.0, 2.0, 3.0}
    index = np.asarray(y).astype(int) @ [LEVELS, 1]
    frequencies = np.bincount(index, minlength=LEVELS**2) / len(y)
    expected = np.exp(exact_log_probs(model))
    assert (np.abs(frequencies - expected) < 5 * np.sqrt(expected / len(y))).all()


def test_evaluate_and_bits_per_dim_take_importance_samples():
    model, y = discrete_model(), all_values(20)
    bits = model.bits_per_dim(y, num_importance_samples=256, seed=1)
    exact = np.repeat(exact_log_probs(model), 20)
    # Two dimensions, and bins of width 1: bits of the values themselves.
    np.testing.assert_allclose(bits.numpy().mean(), -exact.mean() / (2 * np.log(2)), atol=0.02)
    model.compile()
    many = model.evaluate(y, num_importance_samples=256, verbose=0, return_dict=True)
    np.testing.assert_allclose(many["bits_per_dim"], np.mean(bits), atol=0.02)
    one = model.evaluate(y, verbose=0, return_dict=True)
    assert one["nll"] > many["nll"] + 0.05
    again = model.evaluate(y, num_importance_samples=256, verbose=0, return_dict=True)
    np.testing.assert_allclose(again["nll"], many["nll"], atol=0.02)


def test_losses_that_layers_add_count_once_beside_importance_samples():
    network = keras.layers.Dense(2, activity_regularizer=keras.regularizers.L2(0.1))
    model = FlowModel(Coupling("half", network), dequantization=UniformDequantization(4))
    y = all_values(4)
    model.build((None, *y.shape[1:]))
    model.compile()
    logs = model.evaluate(
        y, batch_size=len(y), num_importance_samples=3, verbose=0, return_dict=True
    )
    one = model.evaluate(y, batch_size=len(y), verbose=0, return_dict=True)
    added = one["loss"] - one["nll"]
    assert added > 1e-3
    np.testing.assert_allclose(logs["loss"] - logs["nll"], added, rtol=0.2)


def test_importance_samples_are_for_bounds():
    model = FlowModel(Coupling("half", MLP([4])))
    model.build((None, 2))
    for act in (model.log_prob, model.bits_per_dim, model.evaluate):
        with pytest.raises(ValueError, match="should be 1"):
            act(np.zeros([3, 2], "float32"), num_importance_samples=2)
    with pytest.raises(ValueError, match="whole number"):
        discrete_model().log_prob(np.zeros([3, 2]), num_importance_samples=0)


def test_neither_graph_nor_memory_grow_with_the_number_of_samples():
    function, y = tf.function(discrete_model().log_prob, autograph=False), all_values(1)

    def graph(count):
        return function.get_concrete_function(y, num_importance_samples=count).graph.as_graph_def()

    few, many = graph(2), graph(300)
    assert abs(many.ByteSize() - few.ByteSize()) < 200
    bodies = [node for body in many.library.function for node in body.node_def]
    operations = {node.op for node in [*many.node, *bodies]}
    assert any("While" in name for name in operations)
    # A loop keeps what each turn gives in lists, and nowhere else.
    assert not any(name.startswith(("TensorList", "TensorArray")) for name in operations)


def test_log_mean_exp_is_stable():
    rows = tf.constant([[-3e4, -np.inf, 5.0], [-3e4 + 1, -np.inf, 5.0], [-np.inf, -np.inf, 5.0]])
    expected = [-3e4 + np.log((1 + np.e) / 3), -np.inf, 5.0]
    found = tf.function(lambda: log_mean_exp(lambda i: rows[i], 3))()
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_what_depends_on_data_in_the_flow_of_the_noise_is_adapted():
    layers = [Rescale(5.0, 3.0, name="rescale"), ActNorm(name="norm")]
    noise = VariationalDequantization(Chain(layers, name="noise"))
    model = discrete_model(noise)
    assert not model.adapted
    model.adapt(all_values(300))
    assert model.adapted
    v, _ = noise.flow(tf.random.stateless_normal([5000, 2], [0, 1]))
    np.testing.assert_allclose(np.mean(v, 0), 0, atol=0.1)
    np.testing.assert_allclose(np.std(v, 0), 1, atol=0.1)


# -- as preprocessing -------------------------------------------------------------------------


def test_in_a_dataset_each_batch_has_noise_of_its_seed():
    layer = UniformDequantization(num_levels=LEVELS)
    y = np.repeat(all_values(1)[np.newaxis], 3, 0).reshape(-1, 2)  # three batches, all the same
    batches = tf.data.Dataset.from_tensor_slices(y).batch(LEVELS**2)
    noisy = tf.data.Dataset.zip(batches, tf.data.Dataset.counter()).map(
        lambda y, i: layer(y, seed=tf.stack([5, tf.cast(i, tf.int32)]))
    )
    first, again = (list(noisy.as_numpy_iterator()) for _ in range(2))
    for i, ((x, log_q), (same, _)) in enumerate(zip(first, again)):
        np.testing.assert_array_equal(x, layer(all_values(1), seed=[5, i])[0])
        np.testing.assert_array_equal(x, same)
        np.testing.assert_array_equal(layer.discretize(x), all_values(1))
        assert log_q.tolist() == [0.0] * LEVELS**2
    assert np.all(first[0][0] != first[1][0])


@pytest.mark.parametrize("make", [UniformDequantization, variational])
def test_a_functional_model_takes_the_layer(make):
    inputs = keras.Input((2,), dtype="uint8")
    layer = make()
    x, log_q = layer(inputs)
    assert (x.shape, x.dtype, log_q.shape) == ((None, 2), "float32", (None,))
    model = keras.Model(inputs, [x, log_q, keras.layers.Dense(1)(x)])
    x, log_q, _ = model(all_values(1).astype("uint8"))
    np.testing.assert_array_equal(layer.discretize(x), all_values(1))
    assert log_q.shape == (LEVELS**2,) and model.predict(all_values(2), verbose=0)[2].shape[0] == 32
