"""What a served model answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from tfflows.flow_dtype import flow_dtype
from tfflows.models.conditions import repeat_condition
from tfflows.serving.checks import check, check_between, check_finite, check_same_rows, max_rows

if TYPE_CHECKING:
    from tfflows.models.density_model import DensityModel

NOISE_SEED = [[0, 0]]
"""Of the noise of a dequantizing model, for each row alike: the score of an example is the same
each time, whichever batch it is in."""


class Endpoints:
    """The functions of a served model, of named tensors, all checked inside the graph.

    Args:
      model: a built `DensityModel`.
    """

    def __init__(self, model: DensityModel):
        self.model = model
        self.max_rows = max_rows(model.event_shape)
        self.real_type = tf.as_dtype(flow_dtype(model))
        self.value_type = _value_type(model.num_values, self.real_type)
        label_type = self.real_type if model.num_classes is None else tf.int32
        self.condition = []
        if model.condition_shape is not None:
            self.condition = [_rows("condition", model.condition_shape, label_type)]

    def functions(self) -> dict:
        """The concrete functions by the names of their signatures."""
        model = self.model
        x, condition = _rows("x", model.event_shape, self.value_type), self.condition
        seed, temperature = _rows("seed", [2], tf.int32), _rows("temperature", [], tf.float32)
        log_prob = self._function("log_prob", self._log_prob, x, *condition)
        functions = {"serving_default": log_prob, "log_prob": log_prob}
        if model.is_discrete:

            def bits_per_dim(**inputs):
                return -log_prob(**inputs)["log_prob"] / model.nats_per_bit

            functions["bits_per_dim"] = _traced("bits_per_dim", bits_per_dim, x, *condition)
        functions["sample"] = self._function(
            "x", self._sample, _one("n"), _one("seed", [2]), _one("temperature", [], tf.float32),
            *condition,
        )  # fmt: skip
        functions["sample_rows"] = self._function(
            "x", self._sample_rows, seed, temperature, *condition
        )
        if hasattr(model, "encode"):
            z = _rows("z", model.flow.latent_shape, self.real_type)
            ends = [_rows(name, model.event_shape, self.value_type) for name in ("start", "end")]
            position = _rows("position", [None], tf.float32)
            functions["encode"] = self._function("z", model.encode, x, *condition)
            functions["decode"] = self._function("x", self._decode, z, *condition)
            functions["interpolate"] = self._function(
                "x", self._interpolate, *ends, position, *condition
            )
        return functions

    # -- what they do ---------------------------------------------------------------------------

    def _log_prob(self, x, condition=None):
        return self.model.log_prob(x, condition, seed=NOISE_SEED)

    def _sample(self, n, seed, temperature, condition=None):
        """A condition is one for all samples, or one for each."""
        return self._drawn(n, repeat_condition(self.model, condition, n), temperature, seed)

    def _sample_rows(self, seed, temperature, condition=None):
        n = check_between(tf.shape(seed)[0], 1, self.max_rows, "the number of rows")
        return self._drawn(n, self.model.encode_condition(condition), temperature, seed)

    def _drawn(self, n, condition, temperature, seed):
        return tf.cast(self.model._sample(n, condition, temperature, seed), self.value_type)

    def _decode(self, z, condition=None):
        return self.model._decode(z, self.model.encode_condition(condition))

    def _interpolate(self, start, end, position, condition=None):
        count = check_between(tf.size(position), 0, self.max_rows, "the number of examples")
        with tf.control_dependencies([count]):
            position = tf.identity(position)
        condition = self.model.encode_condition(condition)
        x = self.model._interpolate(start, end, position, condition)
        return tf.cast(x, self.value_type)

    # -- what they are given --------------------------------------------------------------------

    def _function(self, output, method, *specs):
        def endpoint(**inputs):
            checked = {spec.name: self._checked(inputs[spec.name], spec) for spec in specs}
            if "n" not in checked:
                checked = check_same_rows(checked)
            return method(**checked)

        return _traced(output, endpoint, *specs)

    def _checked(self, value, spec):
        # A loaded SavedModel does not check shapes against its signature by itself.
        value, name = tf.ensure_shape(value, spec.shape), spec.name
        if name == "n":
            return check_between(value, 1, self.max_rows, name)
        if name == "temperature":
            holds = tf.math.is_finite(value) & (value >= 0)
            return check(value, holds, "`temperature` should be a number, 0 or more.")
        if name == "position":
            return check_between(value, 0, 1, name)
        if spec.dtype.is_floating:
            return check_finite(value, name)
        if name in ("x", "start", "end") and self.model.num_values - 1 < spec.dtype.max:
            return check_between(value, 0, self.model.num_values - 1, name)
        return value


def _traced(output, method, *specs):
    @tf.function(autograph=False)
    def endpoint(**inputs):
        return {output: method(**inputs)}

    return endpoint.get_concrete_function(**{spec.name: spec for spec in specs})


def _value_type(num_values, real_type):
    if num_values is None:
        return real_type
    return tf.uint8 if num_values <= 256 else tf.int32


def _rows(name, shape, dtype):
    return tf.TensorSpec([None, *shape], dtype, name=name)


def _one(name, shape=(), dtype=tf.int32):
    return tf.TensorSpec(shape, dtype, name=name)
