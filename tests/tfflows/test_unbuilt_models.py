"""What needs weights says so where there are none yet."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tfflows.layers import ActNorm, Chain, Coupling, InvertibleLinear, Standardize
from tfflows.networks import ConvNet

X = np.zeros([4, 3], "float32")
ACTS = {
    "log_prob": lambda model, path: model.log_prob(X),
    "evaluate": lambda model, path: model.evaluate(X, verbose=0),
    "predict": lambda model, path: model.predict(X, verbose=0),
    "sample": lambda model, path: model.sample(2),
    "encode": lambda model, path: model.encode(X),
    "decode": lambda model, path: model.decode(X),
    "distribution": lambda model, path: model.distribution(),
    "export": lambda model, path: model.export(path / "1"),
}


@pytest.mark.parametrize("act", ACTS)
def test_an_unbuilt_model_says_so(act, tmp_path):
    with pytest.raises(ValueError, match="is not built: it does not know the shape of the data"):
        ACTS[act](tfflows.MAF(1, (8,)), tmp_path)


class Own(tfflows.BijectorLayer):
    """As a user may write one: with Keras's `add_weight`."""

    def build(self, x_shape, condition_shape=None):
        super().build(x_shape, condition_shape)
        self.scale = self.add_weight(shape=(x_shape[-1],), initializer="zeros", name="scale")

    def forward_and_log_det(self, x, condition=None):
        return x * tf.exp(self.scale), self.constant_log_det(x, tf.reduce_sum(self.scale))

    def inverse_and_log_det(self, z, condition=None):
        return z * tf.exp(-self.scale), self.constant_log_det(z, -tf.reduce_sum(self.scale))


class Forgetful(Own):
    def build(self, x_shape, condition_shape=None):
        self.scale = self.add_flow_weight("scale", np.zeros(x_shape[-1]))


@pytest.mark.parametrize("policy", ["float64", "mixed_bfloat16", "bfloat16"])
@pytest.mark.parametrize("wrap", [lambda layer, policy: layer, lambda *a: Chain(a[:1], dtype=a[1])])
def test_weights_of_ones_own_layer_are_of_the_flow(policy, wrap):
    model = tfflows.FlowModel(wrap(Own(dtype=policy), policy), dtype=policy)
    model.build((None, 3))
    assert model.log_prob(X).dtype == model.flow.flow_dtype


def test_a_layer_whose_build_does_not_say_the_shapes_is_told_how():
    for layer in (Forgetful(), Chain([Forgetful()])):
        with pytest.raises(ValueError, match=r"`build` should call `super\(\).build\(x_shape"):
            layer(X)


@pytest.mark.parametrize("make", [Standardize, ActNorm, lambda: Chain([Own(), ActNorm()])])
def test_layers_adapt_to_data_of_their_shape(make):
    layer, x = make(), np.random.default_rng(0).normal(3.0, 2.0, [64, 3])
    with pytest.raises(ValueError, match="expected x of shape .*Received: _BatchDataset"):
        layer.adapt(tf.data.Dataset.from_tensor_slices(x).batch(8))
    layer.adapt(x)
    np.testing.assert_allclose(np.std(layer(x)[0], 0), 1.0, rtol=1e-4)
    with pytest.raises(ValueError, match=r"\[batch, 3\]. Received: shape \[batch, 2\]"):
        layer.adapt(x[:, :2])


@pytest.mark.parametrize(
    "make", [ActNorm, lambda: Coupling("channel", ConvNet((4, 4))), InvertibleLinear]
)
def test_layers_whose_formulas_need_the_sizes_say_so(make):
    with pytest.raises(ValueError, match=r"of known shape. Received: shape \[batch, None, N"):
        layer = make()
        layer(keras.Input([None, None, 4]))
        layer(np.zeros([2, 3, 3, 4]))
