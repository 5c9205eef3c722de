"""What distributions over vectors of integers have in common."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd
from tensorflow_probability.python.internal import reparameterization, samplers

from tfflows.check_bounds import check_ends, whole_numbers
from tfflows.data_types import TensorLike
from tfflows.distributions.assert_integers import assert_integers
from tfflows.replace_where import replace_where

LEVELS = 64
"""Of which statistics are computed at once."""


class IntegerVectors(tfd.Distribution):
    """A distribution over vectors of integers from `low` to `high`, the channels of a pixel say.

    A subclass writes `_log_prob_inside`, `_log_cdf_inside`, `_log_survival_inside`, `_from_noise`,
    `_event_shape` and `_event_shape_tensor`, for values that are none but those from `low` to
    `high`, or NaN.

    Args:
      dtype: of all numbers.
      low, high: the first integer and the last.
      **kwargs: those of `tfd.Distribution`.
    """

    def __init__(self, dtype: tf.DType, low: int, high: int, **kwargs):
        self.low, self.high = whole_numbers(low=low, high=high)
        check_ends(self.low, self.high)
        kind = reparameterization.NOT_REPARAMETERIZED
        super().__init__(dtype=dtype, reparameterization_type=kind, **kwargs)

    def _default_event_space_bijector(self):
        return None

    # -- probabilities ----------------------------------------------------------------------------

    def _log_prob(self, y):
        y = self._vectors(y)
        is_beyond = tf.reduce_any((y < self.low) | (y > self.high), -1)
        inside = replace_where(is_beyond[..., tf.newaxis], self.low, y)
        return replace_where(is_beyond, -math.inf, self._log_prob_inside(inside))

    def _log_prob_inside(self, y):
        raise NotImplementedError

    def _vectors(self, y):
        y = tf.cast(y, self.dtype)
        check_vectors(y, self.event_shape[0])
        return y

    def _log_cdf(self, y):
        y, inside = self._single("cdf", y)
        log_cdf = replace_where(y >= self.high, 0.0, self._log_cdf_inside(inside))
        return replace_where(y < self.low, -math.inf, log_cdf)[..., 0]

    def _log_survival_function(self, y):
        y, inside = self._single("survival_function", y)
        log_survival = replace_where(y < self.low, 0.0, self._log_survival_inside(inside))
        return replace_where(y >= self.high, -math.inf, log_survival)[..., 0]

    def _single(self, what, y):
        """Whole numbers `[..., 1]` below each, and the nearest ones that there are."""
        self._check_single(what)
        y = tf.floor(self._vectors(y))
        return y, replace_where(y < self.low, self.low, replace_where(y > self.high, self.high, y))

    def _log_cdf_inside(self, y):
        """Of whole numbers `[..., 1]`, as `[..., 1]`."""
        raise NotImplementedError

    def _log_survival_inside(self, y):
        """The same of what is above them."""
        raise NotImplementedError

    # -- samples ----------------------------------------------------------------------------------

    def from_uniform(self, u: TensorLike) -> tf.Tensor:
        """The sample that uniform noise stands for.

        Args:
          u: `[..., 1 + C]`, from 0 to 1: the first number picks the component. Both ends, which
            stand for what is infinitely far, count as the numbers next to them.

        Returns:
          Values `[..., C]`.
        """
        u = tf.convert_to_tensor(u, self.dtype)
        eps = float(np.spacing(self.dtype.as_numpy_dtype(1)))  # NumPy has no finfo of bfloat16
        return self._from_noise(tf.clip_by_value(u, eps / 4, 1 - eps / 2))

    def _from_noise(self, u):
        raise NotImplementedError

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], self.batch_shape_tensor(), self.event_shape_tensor() + 1], 0)
        return self.from_uniform(samplers.uniform(shape, dtype=self.dtype, seed=seed))

    # -- statistics -------------------------------------------------------------------------------

    def _mode(self):
        self._check_single("mode")
        best = tf.argmax(self._level_log_probs(self.batch_shape_tensor()), 0)
        return self.low + tf.cast(best, self.dtype)[..., tf.newaxis]

    def _entropy(self):
        self._check_single("entropy")
        log_probs = self._level_log_probs(self.batch_shape_tensor())
        return -tf.reduce_sum(tf.math.multiply_no_nan(log_probs, tf.exp(log_probs)), 0)

    def entropy_estimate(self, num_samples: int, seed: TensorLike | None = None) -> tf.Tensor:
        """The entropy in nats, by Monte Carlo: minus the mean of the samples' log-probabilities.

        Args:
          num_samples: how many.
          seed: what TFP takes.

        Returns:
          `[...]`, the batch shape.
        """
        return -tf.reduce_mean(self.log_prob(self.sample(num_samples, seed=seed)), 0)

    def _level_log_probs(self, batch_shape):
        """Of each integer, along the first axis, for single numbers."""
        return self._at_levels(self._log_prob, batch_shape)

    def _at_levels(self, function, batch_shape):
        """`function` of each integer, along the first axis.

        Of some together: one by one it takes far longer, and of all the memory of all.
        """
        starts = tf.range(self.low, self.high + 1, LEVELS, dtype=self.dtype)
        shape = tf.concat([batch_shape, self.event_shape_tensor()], 0)
        levels = tf.reshape(
            tf.range(LEVELS, dtype=self.dtype), tf.concat([[LEVELS], tf.ones_like(shape)], 0)
        )

        def of_some(start):
            y = tf.minimum(start + levels, tf.cast(self.high, self.dtype))
            return function(tf.broadcast_to(y, tf.concat([[LEVELS], shape], 0)))

        values = tf.map_fn(of_some, starts)
        values = tf.reshape(values, tf.concat([[-1], tf.shape(values)[2:]], 0))
        return values[: self.high - self.low + 1]

    def _check_single(self, what):
        if self.event_shape[0] != 1:
            raise NotImplementedError(
                f"`{what}` is for single numbers. Received: event shape {tuple(self.event_shape)}."
            )

    def _sample_control_dependencies(self, y):
        if not self.validate_args:
            return []
        return assert_integers(tf.cast(y, self.dtype), self.low, self.high)


def check_vectors(y: tf.Tensor, count: int) -> None:
    """Raises a ValueError for values that are not `[..., count]`, which would be broadcast."""
    if not y.shape[-1:].is_compatible_with([count]):
        raise ValueError(f"`y` should be [..., {count}]. Received: shape {tuple(y.shape)}.")
