"""Scalar distributions beyond what they are on."""

from __future__ import annotations

import math

import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfflows.data_types import TensorLike
from tfflows.replace_where import replace_where


class Extended:
    """A scalar distribution's CDF, survival function and density on all of the line.

    Many of TFP's are right on their support alone: below 0, the CDF of its Exponential is negative,
    and that of its LogNormal NaN.

    Args:
      distribution: a scalar `tfd.Distribution`.

    >>> exponential = Extended(tfd.Exponential(1.0))
    >>> exponential.log_cdf([-1.0, math.inf]).numpy().tolist()
    [-inf, 0.0]
    """

    def __init__(self, distribution: tfd.Distribution):
        self.distribution = distribution
        self.low, self.high = support(distribution)

    def has_survival_function(self) -> bool:
        """Whether there is one that is not just one minus the CDF."""
        if isinstance(self.distribution, tfd.TransformedDistribution):  # whose is the inner one's
            return Extended(self.distribution.distribution).has_survival_function()
        return self._writes("_survival_function", "_log_survival_function")

    def log_cdf(self, x: TensorLike) -> tf.Tensor:
        x, inner = tf.convert_to_tensor(x), self.distribution
        of = inner.log_cdf if self._writes("_log_cdf") else lambda x: _log(inner.cdf(x))
        return self._within(of, x, -math.inf, 0.0)

    def log_survival_function(self, x: TensorLike) -> tf.Tensor:
        x, inner = tf.convert_to_tensor(x), self.distribution
        has_log = self._writes("_log_survival_function")
        of = inner.log_survival_function if has_log else lambda x: _log(inner.survival_function(x))
        return self._within(of, x, 0.0, -math.inf)

    def log_prob(self, x: TensorLike) -> tf.Tensor:
        return self._within(
            self.distribution.log_prob, tf.convert_to_tensor(x), -math.inf, -math.inf
        )

    def _within(self, function, x, below, above):
        """The function on the support, and numbers beyond it and on its ends."""
        is_below, is_above = x <= self.low, x >= self.high
        values = function(tf.where(is_below | is_above, self._inside(), x))
        return replace_where(is_above, above, replace_where(is_below, below, values))

    def _inside(self):
        """Some value of the support."""
        low, high = (
            replace_where(tf.math.is_inf(end), number, end)
            for end, number in ((self.low, -1.0), (self.high, 1.0))
        )
        low, high = (
            tf.where(tf.math.is_inf(self.low), tf.minimum(low, high - 2), low),
            tf.where(tf.math.is_inf(self.high), tf.maximum(high, low + 2), high),
        )
        return (low + high) / 2

    def _writes(self, *methods):
        cls, base = type(self.distribution), tfd.Distribution
        return any(getattr(cls, name, None) is not getattr(base, name, None) for name in methods)


def support(distribution: tfd.Distribution) -> tuple[tf.Tensor, tf.Tensor]:
    """The ends of what a scalar distribution is on, as its bijector from all reals tells of them.

    >>> [float(end) for end in support(tfd.Uniform(1.0, 3.0))]
    [1.0, 3.0]
    """
    infinity = tf.constant(math.inf, distribution.dtype)
    if isinstance(distribution, tfd.MixtureSameFamily):
        low, high = support(distribution.components_distribution)
        return tf.reduce_min(_last(low), -1), tf.reduce_max(_last(high), -1)
    bijector = distribution.experimental_default_event_space_bijector()
    if bijector is None:
        return -infinity, infinity
    ends = bijector.forward(-infinity), bijector.forward(infinity)
    return tuple(tf.stop_gradient(x) for x in (tf.minimum(*ends), tf.maximum(*ends)))


def _last(ends):
    return ends if ends.shape.rank else ends[tf.newaxis]


def _log(probability):
    """The logarithm, with a gradient of zero where the probability has underflowed."""
    is_lost = probability <= 0
    return replace_where(is_lost, -math.inf, tf.math.log(replace_where(is_lost, 1.0, probability)))
