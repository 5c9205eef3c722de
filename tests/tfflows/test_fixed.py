"""Bijectors and distributions of TensorFlow Probability as layers."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_probability import bijectors as tfb
from tensorflow_probability import distributions as tfd

import tfflows
from tfflows.distributions import FixedDistribution
from tfflows.layers import Chain, Coupling, FixedBijector, Invert
from tfflows.networks import MLP
from tfflows.tfp_config import deserialize, serialize

TRIANGLE = np.float32([[1.0, 0.0, 0.0], [0.5, 2.0, 0.0], [0.1, 0.2, 0.5]])
BIJECTORS = {  # and the shape of the latent
    "positive": (tfb.Exp(), (5,)),
    "scalars": (tfb.Softplus(low=1.0), ()),
    "validated": (tfb.Sigmoid(0.0, [1.0, 2.0, 3.0], validate_args=True), (2, 3)),
    "composed": (tfb.Exp()(tfb.Scale(2.0))(tfb.Shift([1.0, 2.0])), (2,)),
    "inverted": (tfb.Invert(tfb.Chain([tfb.Tanh(), tfb.Scale(0.3)])), (4,)),
    "a power": (tfb.Power(0.5), (5,)),
    "a constant Jacobian": (tfb.Scale(np.float32([1.0, -2.0, 3.0])), (4, 2, 3)),
    "a clip": (tfb.SoftClip(-1.0, 1.0, hinge_softness=0.4), (3,)),
    "a matrix": (tfb.ScaleMatvecTriL(TRIANGLE), (3,)),
    "a matrix at every position": (tfb.ScaleMatvecTriL(TRIANGLE), (2, 2, 3)),
    "a permutation": (tfb.Permute([2, 0, 1]), (3,)),
    "another shape": (tfb.Reshape([2, 3], [6]), (6,)),
    "another rank": (tfb.FillScaleTriL(), (6,)),
    "another size": (tfb.IteratedSigmoidCentered(), (4,)),
    "columns": (tfb.Blockwise([tfb.Exp(), tfb.IteratedSigmoidCentered()], [2, 3]), (5,)),
}
DISTRIBUTIONS = {
    "a transformed one": lambda: tfd.TransformedDistribution(_sample(tfd.Normal), tfb.Exp()),
    "a mixture": lambda: tfd.MixtureSameFamily(
        tfd.Categorical(logits=[0.0, 1.0]),
        tfd.MultivariateNormalDiag(tf.constant([[0.0, 1.0], [2.0, 3.0]])),
    ),
    "tails": lambda: tfd.Independent(tfd.StudentT(np.float32([3.0, 4.0]), 0.0, 1.0), 1),
}


def _sample(kind):
    return tfd.Sample(kind(0.0, 1.0), [2])


def through_json(layer):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    twin = keras.saving.deserialize_keras_object(config)
    if not twin.built:
        twin.build_from_config(config["build_config"])
    return twin


@pytest.mark.parametrize("name", BIJECTORS)
def test_a_bijector_has_the_densities_that_it_has_in_tfp(name):
    fixed, latent_shape = BIJECTORS[name]
    base = tfd.Sample(tfd.Uniform(0.1, 0.9), latent_shape)
    distribution = tfd.TransformedDistribution(base, fixed)
    z = base.sample(4, seed=(0, 1))
    x = tf.identity(fixed.forward(z))
    layer = FixedBijector(fixed)
    layer.build(x.shape)
    assert layer.latent_shape == latent_shape
    back, log_det = layer(x)
    np.testing.assert_allclose(back, z, atol=1e-4)
    np.testing.assert_allclose(base.log_prob(z) + log_det, distribution.log_prob(x), 1e-4, 1e-4)
    x, log_det = layer.inverse_and_log_det(z)
    expected = fixed.forward_log_det_jacobian(tf.identity(z), len(latent_shape))
    np.testing.assert_allclose(log_det, expected * tf.ones([4]), 1e-5, 1e-5)
    twin = through_json(layer)
    np.testing.assert_array_equal(twin.inverse_and_log_det(z)[0], x)
    np.testing.assert_array_equal(twin(x)[1], layer(x)[1])


def test_images_of_any_size():
    layer = FixedBijector(tfb.Scale([1.0, 2.0, 3.0]))
    layer.build((None, None, None, 3))
    z, log_det = layer(tf.ones([2, 4, 5, 3]))
    np.testing.assert_allclose(log_det, 2 * [-4 * 5 * np.log(6.0)], 1e-6)


def test_nothing_comes_out_of_the_cache_of_tfp():
    layer = FixedBijector(tfb.Square())
    layer.build((None, 1))
    z = tf.constant([[-2.0]])  # its inverse gives the other root
    x, _ = layer.inverse_and_log_det(z)
    np.testing.assert_allclose(layer(x)[0], [[2.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        z, log_det = layer(x)
    gradient = tape.gradient([z, log_det], x)
    np.testing.assert_allclose(gradient, [[0.25 - 0.125]])  # of sqrt(x) - log(4 x) / 2


@pytest.mark.parametrize("memory", [None, "reversible"])
def test_a_model_of_positive_data_is_trained_saved_and_exported(memory, tmp_path):
    chain = [FixedBijector(tfb.Exp(), name="exp"), Coupling("half", MLP([8]), name="coupling")]
    base = tfd.TransformedDistribution(_sample(tfd.Normal), tfb.SinhArcsinh(0.1, 1.2))
    model = tfflows.FlowModel(Chain(chain, memory), base)
    x = np.exp(np.random.RandomState(0).normal(size=(64, 2))).astype("float32")
    model.compile("adam")
    model.fit(x, epochs=1, verbose=0)
    expected = model.log_prob(x)
    assert np.isfinite(expected).all()
    model.save(tmp_path / "model.keras")
    model.export(tmp_path / "1")
    for again in (keras.models.load_model(tmp_path / "model.keras"), tfflows.load(tmp_path / "1")):
        np.testing.assert_array_equal(again.log_prob(x), expected)
    assert (model.sample(9, seed=1) > 0).numpy().all()


# -- what is refused ------------------------------------------------------------------------------


class OwnBijector(tfb.Exp):
    pass


class OwnDistribution(tfd.Normal):
    pass


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        (lambda: tfd.Normal(0.0, 1.0), "expected a TFP `Bijector`. Received: Normal"),
        (lambda: tfb.Scale(tf.Variable(2.0)), "without variables.*write a `BijectorLayer`.*Scale"),
        (lambda: tfb.Invert(tfb.Shift(tf.Variable(2.0, trainable=False))), "without variables"),
        (lambda: tfb.Inline(tf.exp, tf.math.log, forward_min_event_ndims=0), "`Inline.forward_fn`"),
        (lambda: tfb.RealNVP(1, shift_and_log_scale_fn=print), "`RealNVP.shift_and_log_scale_fn`"),
        (lambda: tfb.MaskedAutoregressiveFlow(print), "`MaskedAutoregressiveFlow.shift_and_log"),
        (lambda: tfb.Scale(keras.Variable(2.0)), "`Scale.scale`"),
        (lambda: tfb.Scale(tf.constant(1j)), "`Scale.scale`"),
        (OwnBijector, "TensorFlow Probability's own classes.*OwnBijector"),
        (lambda: tfb.Chain([tfb.Exp(), OwnBijector()]), "`Chain.bijectors`.*OwnBijector"),
        (lambda: FixedBijector(tfb.Exp()), "Received: FixedBijector"),
    ],
)
def test_bijectors_that_could_not_be_saved_are_refused(fixed, message):
    with pytest.raises(ValueError, match=message):
        FixedBijector(fixed())


def test_tensors_of_a_graph_are_refused():
    def traced(scale):
        with pytest.raises(ValueError, match="`Scale.scale`"):
            FixedBijector(tfb.Scale(scale))

    tf.function(traced, autograph=False).get_concrete_function(tf.TensorSpec([]))


@pytest.mark.parametrize(
    ("fixed", "shape", "message"),
    [
        (tfb.FillScaleTriL(), (3,), r"events \[batch, 3\].*have at least 2 axes"),
        (tfb.Split(2), (4,), "at least .1, 1. axes"),
        (tfb.Invert(tfb.Split(2)), (4,), "makes a list of a tensor"),
        (tfb.AbsoluteValue(), (4,), "makes a tuple of a tensor"),
        (tfb.Scale(np.float64([1.0, 2.0])), (2,), "of dtype float32. Received: Scale of.* float64"),
        (tfb.Sigmoid(np.float64([1.0, 2.0]), 3.0), (2,), r"\[batch, 2\] of float32.*float64"),
        (tfb.Scale(np.float32([1.0, 2.0])), (3,), r"\[batch, 3\].*Received: Scale"),
        (tfb.Scale(np.float32([1.0, 2.0])), (1,), r"\[batch, 1\].*Received: Scale"),
        (tfb.Scale(np.ones([4, 2], "float32")), (2,), "each event by itself.*on a batch of 1"),
        (tfb.Shift(np.ones([4], "float32")), (), "each event by itself.*on a batch of 1"),
        (tfb.Blockwise([tfb.Exp(), tfb.Tanh()], [2, 2]), (5,), r"\[batch, 5\].*Blockwise"),
        (tfb.Reshape([2, 3], [6]), (3, 2), r"\[batch, 3, 2\].*Reshape"),
        (tfb.BatchNormalization(), (3,), "without variables"),
    ],
)
def test_bijectors_that_do_not_fit_the_events_are_refused(fixed, shape, message):
    layer = FixedBijector(fixed)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        layer.build((None, *shape))


def test_an_inverted_layer_keeps_shapes():
    with pytest.raises(ValueError, match="keeps the event shape"):
        Invert(FixedBijector(tfb.Reshape([2, 3], [6]))).build((None, 2, 3))


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_base_distribution_comes_back(name):
    base = FixedDistribution(DISTRIBUTIONS[name]())
    base.build((None, 2))
    z = base.sample(3, seed=(0, 1))
    np.testing.assert_array_equal(through_json(base)(z), base(z))


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        (tfb.Exp, "expected a TFP `Distribution`. Received: Exp"),
        (
            lambda: tfd.MultivariateNormalDiag(tf.Variable([0.0, 1.0])),
            "without variables.*`GaussianMixture`.*`BaseDistribution`",
        ),
        (lambda: tfd.Sample(OwnDistribution(0.0, 1.0), 2), "`Sample.distribution`"),
        (lambda: tfd.TransformedDistribution(_sample(tfd.Normal), OwnBijector()), "OwnBijector"),
        (lambda: tfd.Autoregressive(lambda x: tfd.Normal(x, 1.0), tf.zeros([2])), "function"),
    ],
)
def test_distributions_that_could_not_be_saved_are_refused(fixed, message):
    with pytest.raises(ValueError, match=message):
        FixedDistribution(fixed())


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        (tfd.MultivariateNormalDiag(tf.zeros([3])), r"event shape \(2,\).*event shape \(3,\)"),
        (tfd.MultivariateNormalDiag(tf.zeros([4, 2])), r"batch shape \(4,\)"),
        (
            tfd.MultivariateNormalDiag(tf.zeros([2], tf.float64)),
            "dtype float32, as the layer 'base' is. Received: tf.float64",
        ),
        (tfd.Sample(tfd.Bernoulli(0.5), 2), "Received: tf.int32"),
    ],
)
def test_distributions_that_do_not_fit_the_latents_are_refused(fixed, message):
    with pytest.raises(ValueError, match=message):
        FixedDistribution(fixed, name="base").build((None, 2))


@pytest.mark.parametrize(
    "config",
    [
        {"bijector": "system"},
        {"bijector": "Normal"},
        {"bijector": "masked_dense"},
        {"bijector": "AutoregressiveNetwork", "parameters": {"params": 2}},
        {"bijector": "__loader__"},
        {"bijector": ["Exp"]},
        {"distribution": "Exp"},
        {"distribution": "PixelCNN.__init__"},
        {"distribution": "Normal", "parameters": {"loc": {"module": "os"}, "scale": 1.0}},
        {"class_name": "Dense", "module": "keras.layers", "config": {"units": 2}},
        {},
    ],
)
def test_a_config_makes_nothing_else(config):
    with pytest.raises(ValueError, match="should name distributions of `tfp.distributions` and"):
        deserialize(config)


def test_names_of_functions_are_no_functions():
    parameters = {"forward_fn": "print", "inverse_fn": "print", "forward_min_event_ndims": 0}
    with pytest.raises(TypeError, match="not a callable"):
        deserialize({"bijector": "Inline", "parameters": parameters})


def test_numbers_keep_their_dtype():
    given = [1, 2.5, True, "a", np.float64(0.1), np.int64(3), tf.constant([0.1]), tf.float64]
    again = deserialize(json.loads(json.dumps(serialize(given))))
    for before, after in zip(given, again):
        assert type(after) is type(before) or tf.is_tensor(after)
        assert getattr(after, "dtype", None) == getattr(before, "dtype", None)
        assert np.all(np.equal(after, before))


def test_seeds_of_rows_may_be_lists():
    base = FixedDistribution(_sample(tfd.Logistic))
    base.build((None, 2))
    seeds = [[0, 1], [0, 2], [0, 3]]
    drawn = base.sample(3, seed=seeds)
    np.testing.assert_array_equal(base.sample(1, seed=np.array(seeds)[1:2])[0], drawn[1])
