"""A mixture of logistics: its CDF, what it gives to an interval, and the scalar map it makes."""

from __future__ import annotations

import tensorflow as tf

HALVINGS = {"float32": 30, "float64": 60}
MIN_LOG_SLOPE = -30.0


class LogisticMixture:
    """`F(x) = sum_k pi_k sigmoid((x - mean_k) / scale_k)`, and `logit(F(x))`.

    The logit is `log F - log(1 - F)`, which in float32 is exact in the tails, where `F` is 0 or 1.

    Args:
      logits: `[..., K]`, of which `pi` is the softmax.
      means, log_scales: `[..., K]`.
      axis: where all of these have their components, -1 or 0. What is done often, on a CPU, is done
        faster along the first axis: sums over a short last one take several times as long.
    """

    def __init__(self, logits: tf.Tensor, means: tf.Tensor, log_scales: tf.Tensor, axis: int = -1):
        self.axis = axis
        self.log_weights = tf.nn.log_softmax(logits, axis)
        self.means = means
        self.log_scales = log_scales
        self.inverse_scales = tf.exp(-log_scales)

    def log_cdf(self, x: tf.Tensor) -> tf.Tensor:
        """`log F(x)`, for `x` `[...]`."""
        return self._log_normalize(self.log_weights + tf.math.log_sigmoid(self._standardize(x)))[0]

    def log_survival(self, x: tf.Tensor) -> tf.Tensor:
        """`log(1 - F(x))`, for `x` `[...]`."""
        return self._log_normalize(self.log_weights + tf.math.log_sigmoid(-self._standardize(x)))[0]

    def log_masses(self, lower: tf.Tensor, upper: tf.Tensor) -> tf.Tensor:
        """Log-probabilities `[..., K]` of the interval from `lower` to `upper` in each component.

        `log(sigmoid(b) - sigmoid(a)) = log_sigmoid(b) + log_sigmoid(-a) + log(1 - exp(a - b))`:
        exact where both sigmoids are 1 or 0 to rounding, and all gradients are finite.
        """
        a, b = self._standardize(lower), self._standardize(upper)
        width = tf.expand_dims(upper - lower, self.axis) * self.inverse_scales
        inside = tf.math.log(-tf.math.expm1(-width))
        return inside - tf.math.softplus(a) - tf.math.softplus(-b)

    def logit_cdf(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """`logit(F(x))` and the log of its derivative, for `x` `[...]`."""
        t = self._standardize(x)
        below, above = tf.math.log_sigmoid(t), tf.math.log_sigmoid(-t)
        log_cdf, share_below = self._log_normalize(self.log_weights + below)
        log_survival, share_above = self._log_normalize(self.log_weights + above)
        # d log F / dx = sum_k share_k sigmoid(-t_k) / scale_k, and likewise for 1 - F: sums of
        # positive terms, where `log F'(x) - log F - log(1 - F)` would cancel in the tails.
        terms = tf.concat([share_below + above, share_above + below], self.axis)
        log_slope, _ = self._log_normalize(terms - tf.concat([self.log_scales] * 2, self.axis))
        return log_cdf - log_survival, log_slope

    def solve(self, value: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """`x` with `logit(F(x)) = value`, and the log of the derivative of `logit(F)` there.

        Each component alone reaches `value` at `mean_k + scale_k value`; the mixture does so
        between the first and the last of these points. Bisection narrows them down to the dtype's
        accuracy, and Newton steps gain the last digits. Derivatives go through these alone, and
        nothing of the bisection is remembered: those of the first step are the implicit function's
        first ones, those of the second also the second and third.
        """
        ends = self.means + tf.expand_dims(value, self.axis) / self.inverse_scales
        low, high = tf.reduce_min(ends, self.axis), tf.reduce_max(ends, self.axis)

        def halve(low, high):
            middle = low + (high - low) / 2
            is_below = self.logit_cdf(middle)[0] < value
            return tf.where(is_below, middle, low), tf.where(is_below, high, middle)

        steps = HALVINGS[value.dtype.name]
        low, high = tf.while_loop(lambda *_: True, halve, (low, high), maximum_iterations=steps)
        width = tf.stop_gradient(high - low)
        x = tf.stop_gradient(low + (high - low) / 2)
        for _ in range(2):
            found, log_slope = self.logit_cdf(x)
            step = (value - found) * tf.exp(-tf.maximum(log_slope, MIN_LOG_SLOPE))
            # Between components far apart the slope may be nothing but rounding: not to be trusted.
            x += step + tf.stop_gradient(tf.clip_by_value(step, -width, width) - step)
        return x, self.logit_cdf(x)[1]

    def _standardize(self, x):
        return (tf.expand_dims(x, self.axis) - self.means) * self.inverse_scales

    def _log_normalize(self, logits):
        """`log(sum(exp(logits)))` over the components, and `logits` less that."""
        largest = tf.stop_gradient(tf.reduce_max(logits, self.axis, keepdims=True))
        logits = logits - largest
        log_sum = tf.math.log(tf.reduce_sum(tf.exp(logits), self.axis, keepdims=True))
        return tf.squeeze(largest + log_sum, self.axis), logits - log_sum
