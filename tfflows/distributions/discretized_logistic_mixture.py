"""The discrete distribution of PixelCNN++."""

from __future__ import annotations

import tensorflow as tf
from tensorflow_probability.python.internal import (
    dtype_util,
    parameter_properties,
    tensor_util,
)

from tfflows.data_types import TensorLike
from tfflows.distributions.integer_vectors import IntegerVectors
from tfflows.families.logistic_mixture import LogisticMixture
from tfflows.replace_where import replace_where

FAR = 1e30  # from any value, in scales of any component, and not so far as to overflow
MAX_LOG_SCALE = 60.0
"""Flat over any range of integers; at 69 `FAR` is far no more, at 88 float32 has no gradients. From
-60 on, locations up to a million are a number of scales that it holds."""


class DiscretizedLogisticMixture(IntegerVectors):
    """Vectors of integers, each number by the mass that a logistic gives to its bin.

    Salimans et al. 2017, section 2.1: `P(y | k) = F(y + 1/2) - F(y - 1/2)`, `F` the CDF of the
    logistic of component k; the bins at both ends reach to infinity. Components are shared by the
    C numbers of a vector (the channels of a pixel), which are independent in a component, or depend
    on one another as in section 2.2: the location of number c is
    `loc_c + sum_{i < c} coefficient_ci (y_i - (low + high) / 2)`.

    All parameters are in units of the integers. Values beyond `low` and `high` have probability 0;
    where a bin holds next to nothing, log-probabilities and their gradients stay finite, in float32
    for log-scales from -60 to 60 with locations up to a million in size. NaN gives NaN.

    `mean` is exact, and for numbers without `coefficients`; `cdf`, `mode` and `entropy` (exact, by
    enumeration) are for single numbers, C = 1; `entropy_estimate` is for all.

    Args:
      logits: `[..., K]`, of which the weights of the components are the softmax.
      loc, log_scale: `[..., C, K]`.
      low, high: the first integer and the last.
      coefficients: None, or `[..., C (C - 1) / 2, K]`: those of (1, 0), (2, 0), (2, 1), (3, 0), ...
      validate_args: whether values that are no integers from `low` to `high` are refused.
      allow_nan_stats, name: those of `tfd.Distribution`.

    >>> levels = DiscretizedLogisticMixture([0.0, 0.0], [[40.0, 200.0]], [[1.0, 2.0]])
    >>> round(float(tf.reduce_sum(levels.prob(np.arange(256)[:, np.newaxis]))), 4)
    1.0
    >>> levels.sample(3, seed=1).shape, round(float(levels.mean()[0]), 1)
    (TensorShape([3, 1]), 120.0)
    """

    def __init__(
        self,
        logits: TensorLike,
        loc: TensorLike,
        log_scale: TensorLike,
        low: int = 0,
        high: int = 255,
        coefficients: TensorLike | None = None,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "DiscretizedLogisticMixture",
    ):
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            tensors = [logits, loc, log_scale, coefficients]
            dtype = dtype_util.common_dtype(tensors, dtype_hint=tf.float32)
            self.logits, self.loc, self.log_scale, self.coefficients = (
                tensor_util.convert_nonref_to_tensor(x, dtype=dtype) for x in tensors
            )
            self._check_shapes()
            super().__init__(
                dtype,
                low,
                high,
                validate_args=validate_args,
                allow_nan_stats=allow_nan_stats,
                parameters=parameters,
                name=name,
            )

    def _check_shapes(self):
        tensors = self.logits, self.loc, self.log_scale, self.coefficients
        shapes = [None if x is None else tuple(x.shape) for x in tensors]
        logits, loc = shapes[:2]
        if len(logits) >= 1 and len(loc) >= 2:
            k, c = logits[-1], loc[-2]
            expected = [(k,), (c, k), (c, k), (c * (c - 1) // 2, k)]
            if all(s is None or s[-len(e) :] == e for s, e in zip(shapes, expected)):
                return
        raise ValueError(
            "`logits`, `loc`, `log_scale`, `coefficients` should be [..., K], [..., C, K], "
            f"[..., C, K] and, if given, [..., C (C - 1) / 2, K]. Received: shapes {shapes}."
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        of = parameter_properties.ParameterProperties
        return {
            "logits": of(event_ndims=1),
            "loc": of(event_ndims=2),
            "log_scale": of(event_ndims=2),
            "coefficients": of(event_ndims=2),
        }

    def _event_shape(self):
        return self.loc.shape[-2:-1]

    def _event_shape_tensor(self):
        return tf.shape(self.loc)[-2:-1]

    def tempered(self, temperature: TensorLike) -> DiscretizedLogisticMixture:
        """With logits divided by `temperature`, and scales multiplied: below 1, nearer to modes.

        Args:
          temperature: a number, or one for each vector, in the batch shape; 0 counts as 1e-6.
        """
        temperature = positive_temperature(temperature, self.dtype)[..., tf.newaxis]
        log_scale = self.log_scale + tf.math.log(temperature)[..., tf.newaxis]
        return self.copy(logits=self.logits / temperature, log_scale=log_scale)

    # -- probabilities ----------------------------------------------------------------------------

    def _log_prob_inside(self, y):
        lower = replace_where(y <= self.low, -FAR, y - 0.5)
        upper = replace_where(y >= self.high, FAR, y + 0.5)
        mixture = self._mixture(y)
        log_masses = tf.reduce_sum(mixture.log_masses(lower, upper), -2)
        return tf.reduce_logsumexp(mixture.log_weights[..., 0, :] + log_masses, -1)

    def _mixture(self, y=None) -> LogisticMixture:
        """For each number, given those before it."""
        loc = tf.convert_to_tensor(self.loc)
        if self.coefficients is not None and self.event_shape[0] > 1:
            loc += self._shift(y)
        return LogisticMixture(self.logits[..., tf.newaxis, :], loc, self.log_scale)

    def _shift(self, y):
        """What the numbers before it add to the location of each."""
        count = self.event_shape[0]
        before = tf.gather(y - self.middle, [i for c in range(count) for i in range(c)], axis=-1)
        terms = tf.split(self.coefficients * before[..., tf.newaxis], list(range(count)), -2)
        return tf.concat([tf.reduce_sum(x, -2, keepdims=True) for x in terms], -2)

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    # -- samples ----------------------------------------------------------------------------------

    def _from_noise(self, u):
        # Not by `tf.nn.softmax`, which takes longer than all the rest where there are few logits.
        weights = tf.exp(self.logits - tf.reduce_max(self.logits, -1, keepdims=True))
        ends = tf.cumsum(weights, axis=-1)
        is_past = u[..., :1] * ends[..., -1:] >= ends[..., :-1]
        component = tf.reduce_sum(tf.cast(is_past, tf.int32), -1)
        chosen = tf.one_hot(component, self.logits.shape[-1], dtype=self.dtype)[..., tf.newaxis, :]

        def choose(x):
            return tf.reduce_sum(x * chosen, -1)

        noise = tf.math.log(u[..., 1:]) - tf.math.log1p(-u[..., 1:])
        x = choose(self.loc) + tf.exp(choose(self.log_scale)) * noise
        if self.coefficients is None:
            return self._to_integers(x)
        pairs, y = iter(tf.unstack(choose(self.coefficients), axis=-1)), []
        for free in tf.unstack(x, axis=-1):
            free += sum(next(pairs) * (before - self.middle) for before in y)
            y.append(self._to_integers(free))
        return tf.stack(y, -1)

    def _to_integers(self, x):
        return tf.clip_by_value(tf.round(x), self.low, self.high)

    # -- statistics -------------------------------------------------------------------------------

    def _log_cdf_inside(self, y):
        return self._mixture().log_cdf(y + 0.5)

    def _log_survival_inside(self, y):
        return self._mixture().log_survival(y + 0.5)

    def _mean(self):
        """The sum of `P(Y >= y)` over all y but the lowest."""
        if self.coefficients is not None and self.coefficients.shape[-2] != 0:
            raise NotImplementedError("`mean` is for numbers that do not depend on one another.")
        mixture = self._mixture()
        survival = self._at_levels(
            lambda y: tf.exp(mixture.log_survival(y - 0.5)), self.batch_shape_tensor()
        )
        return self.low + tf.reduce_sum(survival[1:], 0)


def positive_temperature(temperature: TensorLike, dtype: tf.DType) -> tf.Tensor:
    """A temperature that can be divided by: 0 counts as 1e-6."""
    return tf.maximum(tf.cast(temperature, dtype), 1e-6)
