"""What a served model answers."""

from __future__ import annotations

import functools

import tensorflow as tf

from tfflows.weight_paths import weight_paths

NOISE_SEED = (0, 0)
"""Of the noise of a dequantizing model: served scores are the same each time."""


class Servable(tf.Module):
    """A model's weights and, as functions with named and typed arguments, its endpoints.

    Weights are kept under their paths (`weight_paths`), so that a checkpoint of it names them.
    Endpoints are not attributes: each would be stored again, and the graph, not the weights, is
    what makes a SavedModel of a deep flow big.

    Args:
      model: a built `DensityModel`.
    """

    def __init__(self, model):
        super().__init__()
        self.weights_ = _nest({path: w.value for path, w in weight_paths(model).items()})
        self.__dict__["model"] = model  # past tf.Module's tracking, which would store it

    def signatures(self) -> dict:
        """The concrete functions by name; `serving_default` is `log_prob`."""
        model = self.__dict__["model"]
        x = self._spec("x", model.event_shape, tf.float32)
        log_prob = functools.partial(model.log_prob, seed=NOISE_SEED)
        functions = {"log_prob": self._function(log_prob, "log_prob", x)}
        if hasattr(model, "encode"):
            z = self._spec("z", model.flow.latent_shape, tf.float32)
            functions["encode"] = self._function(model.encode, "z", x)
            functions["decode"] = self._function(
                lambda z, c=None: model._decode(z, model.encode_condition(c)), "x", z
            )
        functions["sample"] = self._sample_function()
        return {"serving_default": functions["log_prob"], **functions}

    def _function(self, method, output, spec):
        """`{spec.name[, condition]} -> {output}`, with the static shape enforced inside.

        A loaded SavedModel does not check shapes against its signature by itself.
        """
        condition = self._condition_spec()
        if condition is None:

            def endpoint(value):
                return {output: method(tf.ensure_shape(value, spec.shape))}

            specs = [spec]
        else:

            def endpoint(value, condition_value):
                value = tf.ensure_shape(value, spec.shape)
                return {output: method(value, tf.ensure_shape(condition_value, condition.shape))}

            specs = [spec, condition]
        return tf.function(endpoint).get_concrete_function(*specs)

    def _sample_function(self):
        """`n` samples of p(x); with a condition, one sample for each of them."""
        model, condition = self.__dict__["model"], self._condition_spec()
        seed = tf.TensorSpec([2], tf.int32, name="seed")
        temperature = tf.TensorSpec([], tf.float32, name="temperature")
        if condition is None:

            def endpoint(n, seed, temperature):
                seed = tf.ensure_shape(seed, [2])
                return {"x": model._sample(n, None, temperature, seed)}

            first = tf.TensorSpec([], tf.int32, name="n")
        else:

            def endpoint(condition_value, seed, temperature):
                encoded = model.encode_condition(tf.ensure_shape(condition_value, condition.shape))
                seed = tf.ensure_shape(seed, [2])
                return {"x": model._sample(tf.shape(encoded)[0], encoded, temperature, seed)}

            first = condition
        return tf.function(endpoint).get_concrete_function(first, seed, temperature)

    def _condition_spec(self):
        model = self.__dict__["model"]
        if model.condition_shape is None:
            return None
        dtype = tf.float32 if model.num_classes is None else tf.int32
        return self._spec("condition", model.condition_shape, dtype)

    @staticmethod
    def _spec(name, shape, dtype):
        return tf.TensorSpec([None, *shape], dtype, name=name)


def _nest(flat):
    """A flat dict of paths as nested dicts, whose checkpoint keys are the paths."""
    tree = {}
    for path, value in flat.items():
        *folders, leaf = path.split("/")
        node = tree
        for folder in folders:
            node = node.setdefault(folder, {})
        if not isinstance(node, dict) or leaf in node:
            raise ValueError(f"Two weights have the same path: {path}. Name the layers apart.")
        node[leaf] = value
    return tree
