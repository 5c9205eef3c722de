"""What distributions over vectors of integers have in common."""

from __future__ import annotations

import tensorflow as tf
from tensorflow_probability import distributions as tfd
from tensorflow_probability.python.internal import reparameterization, samplers

from tfflows.check_bounds import check_ends, whole_numbers
from tfflows.data_types import TensorLike
from tfflows.distributions.assert_integers import assert_integers
from tfflows.replace_where import replace_where


class IntegerVectors(tfd.Distribution):
    """A distribution over vectors of integers from `low` to `high`, the channels of a pixel say.

    A subclass writes `_log_prob`, `_event_shape`, `_event_shape_tensor` and `from_uniform`; where
    it writes `_cdf_of_integer` and `_mean` it has these too.

    Args:
      dtype: of all numbers.
      low, high: the first integer and the last.
      **kwargs: those of `tfd.Distribution`.
    """

    def __init__(self, dtype: tf.DType, low: int, high: int, **kwargs):
        check_ends(low, high)
        self.low, self.high = whole_numbers(low=low, high=high)
        kind = reparameterization.NOT_REPARAMETERIZED
        super().__init__(dtype=dtype, reparameterization_type=kind, **kwargs)

    def _default_event_space_bijector(self):
        return None

    def from_uniform(self, u: TensorLike) -> tf.Tensor:
        """The sample that uniform noise stands for.

        Args:
          u: `[..., 1 + C]`, from 0 to 1: the first number picks the component.

        Returns:
          Values `[..., C]`.
        """
        raise NotImplementedError

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], self.batch_shape_tensor(), self.event_shape_tensor() + 1], 0)
        return self.from_uniform(samplers.uniform(shape, dtype=self.dtype, seed=seed))

    def _vectors(self, y):
        y = tf.cast(y, self.dtype)
        check_vectors(y, self.event_shape[0])
        return y

    def _cdf_of_integer(self, y):
        """The logarithm of the probability of at most `y`, of single integers below `high`."""
        raise NotImplementedError

    def _log_cdf(self, y):
        self._check_single("cdf")
        y = tf.floor(self._vectors(y))
        log_cdf = replace_where(y >= self.high, 0.0, self._cdf_of_integer(y))
        return replace_where(y < self.low, -float("inf"), log_cdf)[..., 0]

    def _mode(self):
        self._check_single("mode")
        best = tf.argmax(self._at_levels(self._log_prob), 0)
        return self.low + tf.cast(best, self.dtype)[..., tf.newaxis]

    def _entropy(self):
        self._check_single("entropy")
        log_probs = self._at_levels(self._log_prob)
        return -tf.reduce_sum(tf.exp(log_probs) * log_probs, 0)

    def entropy_estimate(self, num_samples: int, seed: TensorLike | None = None) -> tf.Tensor:
        """The entropy in nats, by Monte Carlo: minus the mean of the samples' log-probabilities.

        Args:
          num_samples: how many.
          seed: what TFP takes.

        Returns:
          `[...]`, the batch shape.
        """
        return -tf.reduce_mean(self.log_prob(self.sample(num_samples, seed=seed)), 0)

    def _at_levels(self, function, skip=0):
        """`function` of each integer but the first `skip`, along the first axis."""
        levels = tf.range(self.low + skip, self.high + 1, dtype=self.dtype)
        shape = tf.concat([self.batch_shape_tensor(), self.event_shape_tensor()], 0)
        return tf.map_fn(lambda level: function(tf.fill(shape, level)), levels)

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
