"""From features to a discretized mixture of logistics."""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import optimize

from tfflows.check_bounds import check_bounds, check_ends, whole_numbers
from tfflows.data_types import TensorLike
from tfflows.distributions.discretized_logistic_mixture import (
    MAX_LOG_SCALE,
    DiscretizedLogisticMixture,
)
from tfflows.distributions.integer_vectors import check_vectors
from tfflows.flow_dtype import flow_dtype
from tfflows.named import named

MIN_LOG_SCALE = -7.0
"""Of pixels of 8 bits, between -1 and 1."""
MAX_ADAPTED = 2**14
"""Vectors that `adapt` looks at."""
MAX_ITERATIONS = 100
TOLERANCE = 1e-6
HOLD = 1e-3


@keras.saving.register_keras_serializable("tfflows")
class DiscretizedLogisticHead(keras.layers.Layer):
    """The last layer of a network for pixels or counts: gives what their distribution is made of.

    `head(features)` is one tensor of parameters `[..., P]`, `head.distribution(parameters)` the
    `DiscretizedLogisticMixture` over vectors of integers. It starts near the uniform distribution,
    with the locations of the components spread evenly; after `adapt`, near that of the data. All in
    float32, under mixed precision too. Log-scales beyond `MAX_LOG_SCALE`, 60 in units of the
    integers, count as that: flat over any range, and with finite gradients.

    Args:
      num_channels: integers in a vector, each of which may depend on those before it.
      num_components: logistics in the mixture.
      low, high: the first integer and the last.
      min_log_scale: least log-scale of a component, the range of the integers being [-1, 1]; from
        -60 to 60. None: -7, as in the paper, or, where there are more integers than 256, what is as
        narrow next to two neighbours as that is there.
      **kwargs: those of `keras.layers.Layer`.

    A conditional density over counts from 0 to 20:

    >>> head = DiscretizedLogisticHead(num_channels=1, num_components=3, high=20)
    >>> model = keras.Sequential([keras.layers.Dense(16, "relu"), head])
    >>> model.compile("adam", lambda y, out: -head.distribution(out).log_prob(y))
    >>> x, y = np.ones([8, 2]), np.ones([8, 1])
    >>> history = model.fit(x, y, verbose=0)
    >>> head.distribution(model(x)).mean().shape
    TensorShape([8, 1])
    """

    def __init__(
        self,
        num_channels: int = 1,
        num_components: int = 10,
        low: int = 0,
        high: int = 255,
        min_log_scale: float | None = None,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        check_bounds(1, num_channels=num_channels, num_components=num_components)
        if min_log_scale is not None:
            check_bounds(-MAX_LOG_SCALE, MAX_LOG_SCALE, min_log_scale=min_log_scale)
        self.low, self.high = whole_numbers(low=low, high=high)
        check_ends(self.low, self.high)
        self.num_channels, self.num_components = int(num_channels), int(num_components)
        self.min_log_scale = min_log_scale
        self.dense = keras.layers.Dense(
            self._num_logistic_parameters,
            # Small: at first the features matter little, and yet they get a gradient.
            kernel_initializer=keras.initializers.VarianceScaling(0.01),
            bias_initializer=self._first_bias,
            name="dense",
            dtype=flow_dtype(self),
        )

    @property
    def num_parameters(self) -> int:
        """P, the parameters of one vector."""
        return self._num_logistic_parameters

    @property
    def _num_logistic_parameters(self):
        return sum(self._rows()) * self.num_components

    def _rows(self):
        """How many of a component's parameters are logits, locations, log-scales, coefficients."""
        c = self.num_channels
        return 1, c, c, c * (c - 1) // 2

    def _first_bias(self, shape, dtype=None):
        k, c = self.num_components, self.num_channels
        locs = np.tile((2 * np.arange(k) + 1) / k - 1, c)
        log_scales = np.full(c * k, -math.log(k + 1))
        bias = np.concatenate([np.zeros(k), locs, log_scales])
        return keras.ops.cast(np.pad(bias, (0, shape[0] - len(bias))), dtype)

    def build(self, features_shape: tuple) -> None:
        self.dense.build(features_shape)

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Features `[..., F]` to parameters `[..., P]`."""
        features = tf.cast(features, flow_dtype(self))
        # By rows: of [n, 1, p, F], Keras 3.12 makes a batched product that crashes TensorFlow 2.21.
        rows = self._parameters(tf.reshape(features, [-1, features.shape[-1]]))
        outputs = tf.reshape(rows, tf.concat([tf.shape(features)[:-1], [self.num_parameters]], 0))
        return tf.ensure_shape(outputs, self.compute_output_shape(features.shape))

    def _parameters(self, features):
        return self.dense(features)

    def adapt(self, y: TensorLike) -> None:
        """Sets the bias to the mixture that is most likely for all vectors, whatever the features.

        Data like pen strokes have spikes, of black and of white, which training is long in finding
        from a mixture that is even. Call it outside of a graph.

        Args:
          y: integers `[..., num_channels]`; of more than `MAX_ADAPTED` vectors, so many, evenly.

        Raises:
          ValueError: there are no vectors, or values that are no integers from `low` to `high`.
        """
        if not self.dense.built:
            raise ValueError(
                f"{named(self)} is not built: it does not know the "
                "size of the features yet. Call it, or `build((None, F))`."
            )
        self._adapt(self._examples(y))

    def _examples(self, y):
        """Some of the vectors, `[n, num_channels]`."""
        y = tf.cast(y, flow_dtype(self))
        check_vectors(y, self.num_channels)
        y = tf.reshape(y, [-1, self.num_channels])
        is_value = (y >= self.low) & (y <= self.high) & (y == tf.round(y))
        if not (len(y) and tf.reduce_all(is_value)):
            raise ValueError(
                f"`y` should be integers from {self.low} to {self.high}. "
                f"Received: {float(y[~is_value][0]) if len(y) else 'none'}."
            )
        # Not by a whole stride, which would meet the same columns of every image.
        count = min(len(y), MAX_ADAPTED)
        return tf.gather(y, np.linspace(0, len(y) - 1, count).round().astype(int))

    def _adapt(self, y):
        start = tf.convert_to_tensor(self.dense.bias)

        def objective(bias):
            parameters = tf.broadcast_to(bias, [len(y), self._num_logistic_parameters])
            nll = -tf.reduce_mean(self._logistics(parameters).log_prob(y))
            # Held a little, or a component at the edge would go far beyond, and not come back.
            return nll + HOLD * tf.reduce_sum(tf.square(bias - start))

        @tf.function(autograph=False)
        def value_and_gradient(bias):
            return tfp.math.value_and_gradient(objective, tf.cast(bias, start.dtype))

        # TFP's own method, outside of a graph, takes longer between evaluations than for them.
        found = optimize.minimize(
            lambda bias: [x.numpy().astype("float64") for x in value_and_gradient(bias)],
            start.numpy().astype("float64"),
            method="L-BFGS-B",
            jac=True,
            options={"maxiter": MAX_ITERATIONS, "ftol": TOLERANCE},
        )
        if np.isfinite(found.x).all():
            self.dense.bias.assign(found.x)

    def distribution(self, parameters: tf.Tensor) -> DiscretizedLogisticMixture:
        """The distribution over integers `[..., num_channels]`, of parameters `[..., P]`."""
        if parameters.shape[-1] != self.num_parameters:
            raise ValueError(
                f"`parameters` should be [..., {self.num_parameters}]. "
                f"Received: shape {tuple(parameters.shape)}."
            )
        return self._distribution(tf.convert_to_tensor(parameters))

    def _distribution(self, parameters):
        return self._logistics(parameters)

    def _logistics(self, parameters):
        rows = [parameters.shape[-1] // self.num_components, self.num_components]
        parameters = tf.reshape(parameters, tf.concat([tf.shape(parameters)[:-1], rows], 0))
        logits, loc, log_scale, coefficients = tf.split(parameters, self._rows(), -2)
        half = (self.high - self.low) / 2
        log_scale = tf.maximum(log_scale, self._least()) + math.log(half)
        return DiscretizedLogisticMixture(
            tf.squeeze(logits, -2),
            loc * half + (self.low + half),
            tf.minimum(log_scale, MAX_LOG_SCALE),
            self.low,
            self.high,
            tf.tanh(coefficients) if self.num_channels > 1 else None,
        )

    def _least(self):
        if self.min_log_scale is not None:
            return self.min_log_scale
        return MIN_LOG_SCALE + min(0.0, math.log(255 / (self.high - self.low)))

    def compute_output_shape(self, features_shape: tuple) -> tuple:
        return (*features_shape[:-1], self.num_parameters)

    def compute_output_spec(self, features: keras.KerasTensor) -> keras.KerasTensor:
        return keras.KerasTensor(self.compute_output_shape(features.shape), flow_dtype(self))

    def get_config(self) -> dict:
        names = ["num_channels", "num_components", "low", "high", "min_log_scale"]
        return super().get_config() | {name: getattr(self, name) for name in names}
