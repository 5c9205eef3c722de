"""One bin of a rational-quadratic spline."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from tfflows.replace_where import replace_where


class SplineBin(NamedTuple):
    """A bin for each element of a tensor: its lower left corner, its size, its slopes.

    Durkan et al. 2019, equations 4 to 8, with `t` in `[0, 1]` the position in the bin and
    `s = height / width`.
    """

    x: tf.Tensor
    y: tf.Tensor
    width: tf.Tensor
    height: tf.Tensor
    slope: tf.Tensor
    next_slope: tf.Tensor

    def y_and_log_slope(self, t: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The spline at `t`, and the logarithm of its derivative by `x`."""
        s = self.height / self.width
        product = t * (1.0 - t)
        denominator = s + self._bend(s) * product
        rise = self.height * (s * t**2 + self.slope * product) / denominator
        numerator = self.next_slope * t**2 + 2.0 * s * product + self.slope * (1.0 - t) ** 2
        log_slope = tf.math.log(numerator) + 2.0 * tf.math.log(s / denominator)
        return self.y + rise, log_slope

    def solve(self, y: tf.Tensor) -> tf.Tensor:
        """The `t` at which the spline is `y`."""
        s = self.height / self.width
        # A bin is chosen by knots that are rounded otherwise than its own corner.
        rise = _rounded_into(y - self.y, self.height)
        bent = rise * self._bend(s)
        a = self.height * (s - self.slope) + bent
        b = self.height * self.slope - bent
        # Positive but for rounding errors.
        root = tf.sqrt(tf.maximum(b**2 + 4.0 * a * s * rise, 1e-30))
        # Of the two forms of the solution, the one in which nothing cancels: a + b = height * s.
        adds_up = b > 0
        t = tf.where(
            adds_up,
            2.0 * s * rise / tf.where(adds_up, b + root, 1.0),
            (root - b) / (2.0 * replace_where(adds_up, 1.0, a)),
        )
        return _rounded_into(t, 1.0)

    def position(self, x: tf.Tensor) -> tf.Tensor:
        """The `t` of an x."""
        return _rounded_into((x - self.x) / self.width, 1.0)

    def _bend(self, s):
        return self.next_slope + self.slope - 2.0 * s


def _rounded_into(value, end):
    """A value that only rounding has put outside of `[0, end]`; its gradient stays."""
    return value + tf.stop_gradient(tf.clip_by_value(value, 0.0, end) - value)
