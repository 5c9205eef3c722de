"""Dequantizations: noise that stays in its bin, and the bound that it costs."""

import numpy as np
import pytest
import tensorflow as tf

from tests.tfflows.test_tfp import off_identity
from tfflows import FlowModel
from tfflows.dequantization import UniformDequantization
from tfflows.layers import Chain, Coupling, Logit
from tfflows.models.log_mean_exp import log_mean_exp
from tfflows.networks import MLP

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
    for seed in (1.5, [1, 2, 3], "a"):
        with pytest.raises((ValueError, TypeError)):
            layer(y, seed=seed)


@pytest.mark.parametrize("kwargs", [{"bin_width": 0.0}, {"bin_width": [[1.0]]}, {"num_levels": 1}])
def test_bad_arguments_are_refused(kwargs):
    with pytest.raises(ValueError, match="should be"):
        UniformDequantization(**kwargs)


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
    exact, log_prob = exact_log_probs(model), tf.function(model.log_prob)
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


def test_bound_rises_with_importance_samples_to_the_exact_value():
    assert_bound_rises_to_the_exact_value(discrete_model())


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
    bits = model.bits_per_dim(y, num_importance_samples=64, seed=1)
    exact = np.repeat(exact_log_probs(model), 20)
    # Two dimensions, and bins of width 1: bits of the values themselves.
    np.testing.assert_allclose(bits.numpy().mean(), -exact.mean() / (2 * np.log(2)), atol=0.02)
    model.compile()
    many = model.evaluate(y, num_importance_samples=64, verbose=0, return_dict=True)
    np.testing.assert_allclose(many["bits_per_dim"], np.mean(bits), atol=0.02)
    one = model.evaluate(y, verbose=0, return_dict=True)
    assert one["nll"] > many["nll"] + 0.05
    again = model.evaluate(y, num_importance_samples=64, verbose=0, return_dict=True)
    np.testing.assert_allclose(again["nll"], many["nll"], atol=0.02)


def test_importance_samples_are_for_bounds():
    model = FlowModel(Coupling("half", MLP([4])))
    model.build((None, 2))
    for act in (model.log_prob, model.bits_per_dim, model.evaluate):
        with pytest.raises(ValueError, match="should be 1"):
            act(np.zeros([3, 2], "float32"), num_importance_samples=2)
    with pytest.raises(ValueError, match="whole number"):
        discrete_model().log_prob(np.zeros([3, 2]), num_importance_samples=0)


def test_the_graph_does_not_grow_with_the_number_of_samples():
    function, y = tf.function(discrete_model().log_prob), all_values(1)

    def size(count):
        graph = function.get_concrete_function(y, num_importance_samples=count).graph
        return len(graph.as_graph_def().SerializeToString())

    assert abs(size(300) - size(2)) < 200


def test_log_mean_exp_is_stable():
    rows = tf.constant([[-3e4, -np.inf, 5.0], [-3e4 + 1, -np.inf, 5.0], [-np.inf, -np.inf, 5.0]])
    expected = [-3e4 + np.log((1 + np.e) / 3), -np.inf, 5.0]
    found = tf.function(lambda: log_mean_exp(lambda i: rows[i], 3))()
    np.testing.assert_allclose(found, expected, rtol=1e-6)
