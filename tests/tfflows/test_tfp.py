"""The derived bijector is one that TFP's own code takes, and evaluates each network once."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability import bijectors as tfb
from tensorflow_probability import distributions as tfd

import tfflows
from tfflows import IAF, MAF, RealNVP
from tfflows.layers import Autoregressive, Chain, Coupling, Invert, Permute
from tfflows.networks import MADE, MLP


def off_identity(layer, scale=0.2):
    """Adds noise to the weights: every flow starts as the identity."""
    for seed, weight in enumerate(layer.trainable_weights):
        noise = np.random.RandomState(seed).normal(size=weight.shape)
        weight.assign(weight + scale * noise.astype("float32"))
    return layer


def built(model, dim=3, condition=None):
    model.build((None, dim), None if condition is None else (None, condition))
    return off_identity(model)


def normal(dim):
    return tfd.MultivariateNormalDiag(tf.zeros(dim))


MODELS = {
    "realnvp": lambda: RealNVP(2, (8,)),
    "maf": lambda: MAF(2, (8,)),
    "iaf": lambda: IAF(2, (8,)),
}
each_model = pytest.mark.parametrize("name", MODELS)


@each_model
def test_transformed_distribution(name):
    model = built(MODELS[name]())
    distribution = tfd.TransformedDistribution(normal(3), model.flow.bijector())
    assert distribution.event_shape == [3] and distribution.batch_shape == []
    x = tf.random.stateless_normal([2, 4, 3], seed=[0, 1])
    expected = tf.reshape(model.log_prob(tf.reshape(x, [-1, 3])), [2, 4])
    np.testing.assert_allclose(distribution.log_prob(x), expected, atol=1e-4)
    np.testing.assert_allclose(distribution.log_prob(x[0, 0]), expected[0, 0], atol=1e-4)
    sample = distribution.sample([5, 2], seed=[0, 2])
    assert sample.shape == [5, 2, 3]
    cached = distribution.log_prob(sample)
    np.testing.assert_allclose(cached, distribution.log_prob(tf.identity(sample)), atol=1e-3)
    sample, together = distribution.experimental_sample_and_log_prob([6], seed=[0, 3])
    np.testing.assert_allclose(together, model.log_prob(tf.identity(sample)), atol=1e-3)


@each_model
def test_transformed_distribution_in_a_graph(name):
    model = built(MODELS[name]())

    @tf.function
    def sample_and_log_prob(n):
        distribution = tfd.TransformedDistribution(normal(3), model.flow.bijector())
        sample = distribution.sample(n, seed=[0, 2])
        return sample, distribution.log_prob(sample)

    for n in (4, 7):
        sample, log_prob = sample_and_log_prob(tf.constant(n))
        np.testing.assert_allclose(log_prob, model.log_prob(sample), atol=1e-3)


def test_inside_a_chain_of_tfp():
    model = built(RealNVP(2, (8,)))
    outer, inner = tfb.Sigmoid(), tfb.Scale([2.0, 0.5, 3.0])
    chain = tfb.Chain([outer, model.flow.bijector(), inner])
    z = tf.random.stateless_normal([4, 3], seed=[0, 1])
    x, log_det = model.flow.inverse_and_log_det(inner.forward(z))
    np.testing.assert_allclose(chain.forward(z), outer.forward(x), atol=1e-5)
    expected = inner.forward_log_det_jacobian(z, 1) + log_det + outer.forward_log_det_jacobian(x, 1)
    np.testing.assert_allclose(chain.forward_log_det_jacobian(z, 1), expected, atol=1e-4)
    y = tf.identity(chain.forward(z))
    np.testing.assert_allclose(chain.inverse(y), z, atol=1e-3)
    np.testing.assert_allclose(chain.inverse_log_det_jacobian(y, 1), -expected, atol=1e-3)
    twice = tfb.Invert(tfb.Invert(model.flow.bijector()))
    np.testing.assert_allclose(twice.forward(inner.forward(z)), x, atol=1e-5)


def test_hmc_through_a_flow_finds_the_moments_of_a_correlated_gaussian():
    mean, covariance = np.float32([1.0, -2.0]), np.float32([[1.0, 0.8], [0.8, 1.0]])
    target = tfd.MultivariateNormalTriL(mean, tf.linalg.cholesky(covariance))
    model = RealNVP(2, (8,), activation="tanh")
    model.build((None, 2))
    off_identity(model, 0.1)
    kernel = tfp.mcmc.TransformedTransitionKernel(
        tfp.mcmc.HamiltonianMonteCarlo(target.log_prob, step_size=0.4, num_leapfrog_steps=4),
        bijector=model.flow.bijector(),
    )

    @tf.function
    def run():
        return tfp.mcmc.sample_chain(
            200,
            tf.zeros([64, 2]),
            kernel=kernel,
            num_burnin_steps=50,
            trace_fn=lambda _, results: results.inner_results.is_accepted,
            seed=[0, 1],
        )

    draws, accepted = run()
    assert np.mean(accepted) > 0.6
    draws = np.reshape(draws, [-1, 2])
    np.testing.assert_allclose(draws.mean(0), mean, atol=0.1)
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.12)


def conditional_flow():
    return built(RealNVP(2, (8,)), dim=3, condition=2)


@pytest.mark.parametrize("batch", [[], [5], [4, 3]])
def test_component_of_a_joint_distribution(batch):
    model = conditional_flow()
    prior = normal(2)
    joint = tfd.JointDistributionSequential([prior, lambda c: model.distribution(c)])
    c, x = joint.sample(batch, seed=[0, 1])
    assert c.shape == [*batch, 2] and x.shape == [*batch, 3]
    flat = model.log_prob(tf.reshape(x, [-1, 3]), tf.reshape(c, [-1, 2]))
    expected = prior.log_prob(c) + tf.reshape(flat, batch)
    np.testing.assert_allclose(joint.log_prob([c, tf.identity(x)]), expected, atol=1e-3)


def test_component_of_an_auto_batched_joint_distribution():
    model = conditional_flow()
    prior = normal(2)
    joint = tfd.JointDistributionNamedAutoBatched(
        {"c": prior, "x": lambda c: model.distribution(c)}
    )
    draw = joint.sample(5, seed=[0, 1])
    assert draw["c"].shape == [5, 2] and draw["x"].shape == [5, 3]
    expected = prior.log_prob(draw["c"]) + model.log_prob(draw["x"], draw["c"])
    np.testing.assert_allclose(joint.log_prob(draw), expected, atol=1e-3)


@pytest.mark.parametrize("kind", ["coupling", "autoregressive"])
def test_splines_are_vectorized(kind):
    model = tfflows.NeuralSplineFlow(2, 8, 1, kind, seed=0)
    model.build((None, 3), (None, 2))
    off_identity(model)
    x, c = (tf.random.stateless_normal([4, n], [0, n]) for n in (3, 2))
    found = tf.vectorized_map(lambda xc: model.distribution(xc[1]).log_prob(xc[0]), (x, c))
    np.testing.assert_allclose(found, model.log_prob(x, c), atol=1e-4)


def test_a_new_bijector_sees_new_weights():
    model = tfflows.RealNVP(2, (8,))
    model.build((None, 3))
    off_identity(model)
    x = model.distribution().sample(3, seed=[0, 1])
    for weight in model.trainable_variables:
        weight.assign(1.5 * weight)
    found = model.distribution().log_prob(x)
    np.testing.assert_allclose(found, model.log_prob(tf.identity(x)), rtol=1e-5)


VALUE_AND_CONDITION = {
    "same": ([4], [4]),
    "more for the value": ([5, 4], [4]),
    "more for the condition": ([4], [5, 4]),
    "both ways": ([5, 1], [4]),
    "one value": ([], [5, 4]),
    "one condition": ([5, 4], []),
}


@pytest.mark.parametrize("batches", VALUE_AND_CONDITION.values(), ids=VALUE_AND_CONDITION)
@pytest.mark.parametrize("in_graph", [False, True], ids=["eager", "graph"])
def test_values_and_conditions_are_broadcast(batches, in_graph):
    flow = conditional_flow().flow
    x, c = (tf.random.stateless_normal([*b, n], [0, n]) for b, n in zip(batches, (3, 2)))
    batch = np.broadcast_shapes(*batches)
    rows = [
        tf.reshape(tf.broadcast_to(t, [*batch, t.shape[-1]]), [-1, t.shape[-1]]) for t in (x, c)
    ]

    def both(x, c):
        bijector = flow.bijector(c)
        z, back = bijector.inverse(x), flow.bijector(c).forward(x)
        return z, bijector.inverse_log_det_jacobian(x, 1), back

    if in_graph:
        unknown = [tf.TensorSpec([*[None] * len(b), n]) for b, n in zip(batches, (3, 2))]
        both = tf.function(both, input_signature=unknown)
    z, log_det, back = both(x, c)
    expected, expected_log_det = flow(rows[0], condition=rows[1])
    np.testing.assert_allclose(z, tf.reshape(expected, [*batch, 3]), atol=1e-5)
    np.testing.assert_allclose(log_det, tf.reshape(expected_log_det, batch), atol=1e-5)
    expected = flow.inverse_and_log_det(*rows)[0]
    np.testing.assert_allclose(back, tf.reshape(expected, [*batch, 3]), atol=1e-5)


def test_leading_axes_of_a_condition_are_the_batch_shape():
    model = conditional_flow()
    c = tf.random.stateless_normal([5, 4, 2], [0, 1])
    assert model.flow.bijector(c).experimental_batch_shape() == [5, 4]
    assert model.flow.bijector(c).experimental_batch_shape(x_event_ndims=2) == [5]
    distribution = tfd.TransformedDistribution(normal(3), model.flow.bijector(c))
    assert distribution.batch_shape == [5, 4] and distribution.event_shape == [3]
    x = distribution.sample(2, seed=[0, 2])
    assert x.shape == [2, 5, 4, 3] and np.std(x[0, 0, 0] - x[0]) > 0
    expected = model.log_prob(tf.reshape(x[0], [-1, 3]), tf.reshape(c, [-1, 2]))
    np.testing.assert_allclose(distribution.log_prob(x)[0], tf.reshape(expected, [5, 4]), atol=1e-3)
    part = distribution[1, :2].log_prob(tf.identity(x[:, 1, :2]))
    np.testing.assert_allclose(part, distribution.log_prob(x)[:, 1, :2], atol=1e-3)
    for bad in ([3, 3], [4, 1]):
        with pytest.raises(ValueError, match="(?i)shape"):
            model.flow.bijector(c).inverse(tf.zeros(bad))


# -- how often the networks are evaluated -----------------------------------------------------


def count_calls(network, monkeypatch):
    """A list that grows by one with each evaluation of the network, by a pass or in sequence."""
    calls = []
    for name in ("call", "sequential"):
        method = getattr(network, name, None)
        if method is None:
            continue

        def counted(*args, method=method, **kwargs):
            calls.append(1)
            return method(*args, **kwargs)

        monkeypatch.setattr(network, name, counted)
    return calls


def made_flow(invert):
    layer = Autoregressive(MADE([8], name="network"), name="autoregressive")
    return Invert(layer, name="inverted") if invert else layer


FLOWS = {
    "affine": lambda: Coupling("half", MLP([8]), name="coupling"),
    "spline": lambda: Coupling("half", MLP([8]), "rational_quadratic_spline", name="coupling"),
    "maf": lambda: made_flow(False),
    "iaf": lambda: made_flow(True),
}


def inverse_and_log_det(bijector, x):
    return bijector.inverse(x), bijector.inverse_log_det_jacobian(x, 1)


def forward_and_log_det(bijector, z):
    return bijector.forward(z), bijector.forward_log_det_jacobian(z, 1)


def sample_then_log_prob(flow, value):
    distribution = tfd.TransformedDistribution(normal(4), flow.bijector())
    distribution.log_prob(distribution.sample(3, seed=[0, 1]))


PASSES = {
    "layer": lambda flow, v: flow(v),
    "inverse_and_log_det": lambda flow, v: flow.inverse_and_log_det(v),
    "inverse": lambda flow, v: flow.bijector().inverse(v),
    "inverse_and_ildj": lambda flow, v: inverse_and_log_det(flow.bijector(), v),
    "ildj": lambda flow, v: flow.bijector().inverse_log_det_jacobian(v, 1),
    "forward": lambda flow, v: flow.bijector().forward(v),
    "forward_and_fldj": lambda flow, v: forward_and_log_det(flow.bijector(), v),
    "fldj": lambda flow, v: flow.bijector().forward_log_det_jacobian(v, 1),
    "log_prob": lambda flow, v: tfd.TransformedDistribution(normal(4), flow.bijector()).log_prob(v),
    "sample": lambda flow, v: tfd.TransformedDistribution(normal(4), flow.bijector()).sample(
        3, seed=[0, 1]
    ),
    "sample_then_log_prob": sample_then_log_prob,
}


@pytest.mark.parametrize("run", PASSES)
@pytest.mark.parametrize("kind", FLOWS)
def test_each_network_is_evaluated_once_in_a_pass(kind, run, monkeypatch):
    first, second = FLOWS[kind](), FLOWS[kind]()
    second.name = "second"
    flow = Chain([first, Permute("reverse", name="permute"), second])
    flow.build((None, 4))
    counts = [
        count_calls(getattr(layer, "layer", layer).network, monkeypatch)
        for layer in (first, second)
    ]
    PASSES[run](flow, tf.random.stateless_normal([3, 4], seed=[0, 1]))
    assert [len(calls) for calls in counts] == [1, 1]


def test_counting_sees_every_call(monkeypatch):
    network = MLP([8])
    calls = count_calls(network, monkeypatch)
    network(keras.ops.ones([2, 3]))
    network(keras.ops.ones([2, 3]))
    assert len(calls) == 2
