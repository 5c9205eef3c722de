"""The family of neural spline flows."""

from __future__ import annotations

import math

import keras
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfflows.check_bounds import check_bounds
from tfflows.families.family import Family
from tfflows.families.select_bin import select_bin


@keras.saving.register_keras_serializable("tfflows")
class RationalQuadraticSpline(Family):
    """Monotonic rational-quadratic splines with linear tails (Durkan et al. 2019, section 3.1).

    Inside `[-bound, bound]` a spline of `num_bins` bins whose widths, heights and inner slopes
    the network gives; outside, the identity.

    Args:
      num_bins: bins of a spline; a scalar needs `3 * num_bins - 1` parameters.
      bound: the spline acts on `[-bound, bound]`.
      min_bin_size: smallest width and height of a bin, as a share of the interval.
      min_slope: smallest slope at a knot.
      size_scale: multiplies the parameters of widths and heights. `1 / sqrt(units)` of the network,
        as in the paper's own code, keeps the bins near equal for longer, which regularizes.

    >>> family = RationalQuadraticSpline(num_bins=4)
    >>> z, log_det = family.forward_and_log_det(tf.constant([0.5]), tf.zeros([1, 11]))
    >>> round(float(z[0]), 4), abs(round(float(log_det[0]), 4))
    (0.5, 0.0)
    """

    def __init__(
        self,
        num_bins: int = 8,
        bound: float = 5.0,
        min_bin_size: float = 1e-3,
        min_slope: float = 1e-3,
        size_scale: float = 1.0,
    ):
        check_bounds(2, num_bins=num_bins)
        if not bound > 0:
            raise ValueError(f"`bound` should be greater than 0. Received: {bound}.")
        if not 0 < min_bin_size * num_bins < 1:
            raise ValueError(
                "`min_bin_size * num_bins` should be between 0 and 1. "
                f"Received: min_bin_size={min_bin_size}, num_bins={num_bins}."
            )
        if not 0 < min_slope < 1:
            raise ValueError(f"`min_slope` should be between 0 and 1. Received: {min_slope}.")
        if not size_scale > 0:
            raise ValueError(f"`size_scale` should be greater than 0. Received: {size_scale}.")
        self.num_bins = num_bins
        self.bound = bound
        self.min_bin_size = min_bin_size
        self.min_slope = min_slope
        self.size_scale = size_scale

    @property
    def num_parameters(self) -> int:
        return 3 * self.num_bins - 1

    def bijector(self, parameters: tf.Tensor) -> tfb.Bijector:
        widths, heights, slopes = tf.split(
            parameters, [self.num_bins, self.num_bins, self.num_bins - 1], -1
        )
        spline = tfb.RationalQuadraticSpline(
            bin_widths=self._bin_sizes(widths),
            bin_heights=self._bin_sizes(heights),
            knot_slopes=self._slopes(slopes),
            range_min=-self.bound,
        )
        return tfb.Invert(spline)  # the cheaper direction is the one that training takes

    def forward_and_log_det(
        self, x: tf.Tensor, parameters: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        # TFP gives the same, in four times the time.
        inside = tf.abs(x) < self.bound
        value = tf.where(inside, x, 0.0)
        chosen = select_bin(value, parameters, self, axis=0)
        z, log_det = chosen.y_and_log_slope(chosen.position(value))
        return tf.where(inside, z, x), tf.where(inside, log_det, 0.0)

    def inverse_and_log_det(
        self, z: tf.Tensor, parameters: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        inside = tf.abs(z) < self.bound
        value = tf.where(inside, z, 0.0)
        chosen = select_bin(value, parameters, self, axis=1)
        t = chosen.solve(value)
        _, log_slope = chosen.y_and_log_slope(t)
        x = chosen.x + t * chosen.width
        return tf.where(inside, x, z), tf.where(inside, -log_slope, 0.0)

    def _bin_sizes(self, raw):
        free = 1.0 - self.num_bins * self.min_bin_size
        return 2.0 * self.bound * (self.min_bin_size + free * tf.nn.softmax(self.size_scale * raw))

    def _slopes(self, raw):
        return self.min_slope + tf.nn.softplus(raw + self.slope_of_zero)

    @property
    def slope_of_zero(self) -> float:
        """What a softplus makes a slope of 1 of, and the network's 0 should stand for."""
        return math.log(math.expm1(1.0 - self.min_slope))

    def get_config(self) -> dict:
        return {
            "num_bins": self.num_bins,
            "bound": self.bound,
            "min_bin_size": self.min_bin_size,
            "min_slope": self.min_slope,
            "size_scale": self.size_scale,
        }
