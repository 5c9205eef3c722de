"""A discretized mixture of logistics, and a probability of its own for each integer."""

from __future__ import annotations

import math

import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability import distributions as tfd
from tensorflow_probability.python.internal import parameter_properties, tensor_util

from tfflows.data_types import TensorLike
from tfflows.distributions.discretized_logistic_mixture import (
    DiscretizedLogisticMixture,
    positive_temperature,
)
from tfflows.distributions.integer_vectors import IntegerVectors
from tfflows.last_axis_first import last_axis_first
from tfflows.replace_where import replace_where


class CategoricalLogisticMixture(IntegerVectors):
    """Vectors of integers: with some probability by a categorical, or else by logistics.

    `P(y) = w prod_c softmax(level_logits_c)[y_c] + (1 - w) P_logistics(y)`, with
    `w = sigmoid(share_logit)`. Of the parts, the softmax over all integers is that of PixelCNN
    (van den Oord et al. 2016), the other that of PixelCNN++ (Salimans et al. 2017). Logistics are
    smooth and learn fast that neighbours are alike; where integers differ in what is likely one by
    one, as the grey levels of MNIST do, the categorical says so. Its numbers are independent of one
    another.

    Values beyond `low` and `high` have probability 0; NaN gives NaN. `mean` is for logistics
    without `coefficients`; `cdf`, `mode` and `entropy` (exact, by enumeration) are for single
    numbers, C = 1; `entropy_estimate` is for all.

    Args:
      logistics: a `DiscretizedLogisticMixture`, whose integers they are.
      share_logit: `[...]`, the batch shape.
      level_logits: `[..., C, N]`, `N = high - low + 1`.
      validate_args: whether values that are no integers from `low` to `high` are refused.
      allow_nan_stats, name: those of `tfd.Distribution`.

    >>> logistics = DiscretizedLogisticMixture([0.0], [[1.0]], [[0.0]], high=3)
    >>> levels = CategoricalLogisticMixture(logistics, 0.0, [[0.0, 0.0, 0.0, 5.0]])
    >>> round(float(tf.reduce_sum(levels.prob(np.arange(4)[:, np.newaxis]))), 4)
    1.0
    >>> int(levels.mode()[0]), int(logistics.mode()[0])
    (3, 0)
    """

    def __init__(
        self,
        logistics: DiscretizedLogisticMixture,
        share_logit: TensorLike,
        level_logits: TensorLike,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "CategoricalLogisticMixture",
    ):
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            self.logistics = logistics
            self.share_logit, self.level_logits = (
                tensor_util.convert_nonref_to_tensor(x, dtype=logistics.dtype)
                for x in (share_logit, level_logits)
            )
            self._check_shapes()
            super().__init__(
                logistics.dtype,
                logistics.low,
                logistics.high,
                validate_args=validate_args,
                allow_nan_stats=allow_nan_stats,
                parameters=parameters,
                name=name,
            )

    def _check_shapes(self):
        logistics, shape = self.logistics, tuple(self.level_logits.shape)
        expected = (*logistics.event_shape, logistics.high - logistics.low + 1)
        if shape[-2:] != expected:
            raise ValueError(
                "`level_logits` should be [..., C, N], for each of the C numbers one logit of each "
                f"of the N integers from {logistics.low} to {logistics.high}: "
                f"[..., {expected[0]}, {expected[1]}]. Received: shape {shape}."
            )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        of = parameter_properties.ParameterProperties
        return {
            "logistics": parameter_properties.BatchedComponentProperties(),
            "share_logit": of(event_ndims=0),
            "level_logits": of(event_ndims=2),
        }

    def _event_shape(self):
        return self.logistics.event_shape

    def _event_shape_tensor(self):
        return self.logistics.event_shape_tensor()

    def tempered(self, temperature: TensorLike) -> CategoricalLogisticMixture:
        """With all logits divided by `temperature`, and the scales of the logistics multiplied.

        Args:
          temperature: a number, or one for each vector, in the batch shape; 0 counts as 1e-6.
        """
        temperature = positive_temperature(temperature, self.dtype)
        return self.copy(
            logistics=self.logistics.tempered(temperature),
            share_logit=self.share_logit / temperature,
            level_logits=self.level_logits / temperature[..., tf.newaxis, tf.newaxis],
        )

    # -- probabilities ----------------------------------------------------------------------------

    def _log_prob_inside(self, y):
        is_nan = tf.math.is_nan(y)
        level = tf.cast(tf.round(replace_where(is_nan, self.low, y)) - self.low, tf.int32)
        by_level = tf.reduce_sum(tfd.Categorical(self.level_logits).log_prob(level), -1)
        return self._mix(by_level, self.logistics._log_prob_inside(y))

    def _mix(self, by_level, by_logistics):
        """The logarithm of both, each with its share."""
        share_logit = tf.convert_to_tensor(self.share_logit)
        by_level += tf.math.log_sigmoid(share_logit)
        by_logistics += tf.math.log_sigmoid(-share_logit)
        # Of nothing and nothing the sum is no number, nor are its gradients.
        is_none = tf.math.is_inf(by_level) & tf.math.is_inf(by_logistics)
        parts = (replace_where(is_none, 0.0, x) for x in (by_level, by_logistics))
        return replace_where(is_none, -math.inf, tfp.math.log_add_exp(*parts))

    # -- samples ----------------------------------------------------------------------------------

    def _from_noise(self, u):
        first, rest = u[..., :1], u[..., 1:]
        share = tf.sigmoid(self.share_logit)[..., tf.newaxis]
        # What of the first number the choice has not used up is as uniform again.
        again = tf.math.divide_no_nan(first - share, 1 - share)
        again = tf.broadcast_to(again, tf.shape(first + share))
        rest = tf.broadcast_to(rest, tf.concat([tf.shape(again)[:-1], tf.shape(rest)[-1:]], 0))
        by_logistics = self.logistics.from_uniform(tf.concat([again, rest], -1))
        return tf.where(first < share, self._level_from_noise(rest), by_logistics)

    def _level_from_noise(self, u):
        # In float64: of many levels a sum in float32 is off by more than the least likely ones.
        ends = tf.cumsum(tf.cast(tf.nn.softmax(self.level_logits), tf.float64), axis=-1)
        is_past = tf.cast(u, tf.float64)[..., tf.newaxis] * ends[..., -1:] >= ends[..., :-1]
        return self.low + tf.reduce_sum(tf.cast(is_past, self.dtype), -1)

    # -- statistics -------------------------------------------------------------------------------

    def _log_cdf_inside(self, y):
        by_level = self._log_sum(self._levels() <= y[..., tf.newaxis])
        return self._mix(by_level, self.logistics.log_cdf(y))[..., tf.newaxis]

    def _log_survival_inside(self, y):
        by_level = self._log_sum(self._levels() > y[..., tf.newaxis])
        return self._mix(by_level, self.logistics.log_survival_function(y))[..., tf.newaxis]

    def _levels(self):
        return tf.range(self.low, self.high + 1, dtype=self.dtype)

    def _log_sum(self, is_in):
        """Of a single number, the log-probability of some levels, `[..., 1, N]`, by the softmax."""
        log_probs = tf.nn.log_softmax(self.level_logits)
        is_in &= ~tf.math.is_inf(log_probs)
        is_none = ~tf.reduce_any(is_in, -1, keepdims=True)
        log_probs = replace_where(~is_in & ~is_none, -math.inf, log_probs)
        total = tf.reduce_logsumexp(replace_where(is_none, 0.0, log_probs), -1)
        return replace_where(is_none[..., 0], -math.inf, total)[..., 0]

    def _level_log_probs(self, batch_shape):
        log_probs = tf.nn.log_softmax(self.level_logits[..., 0, :])
        shape = tf.concat([batch_shape, tf.shape(log_probs)[-1:]], 0)
        by_level = last_axis_first(tf.broadcast_to(log_probs, shape))
        return self._mix(by_level, self.logistics._level_log_probs(batch_shape))

    def _mean(self):
        share = tf.sigmoid(self.share_logit)[..., tf.newaxis]
        by_level = tf.linalg.matvec(tf.nn.softmax(self.level_logits), self._levels())
        return share * by_level + (1 - share) * self.logistics.mean()
