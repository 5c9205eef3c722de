"""TFP's rational-quadratic spline, made fast on CPUs."""

from __future__ import annotations

import tensorflow as tf
from tensorflow_probability import bijectors as tfb
from tensorflow_probability.python.bijectors import rational_quadratic_spline


class SelectingSpline(tfb.RationalQuadraticSpline):
    """`tfb.RationalQuadraticSpline` that finds its bin by comparing, not by gathering.

    TFP's own searches the knots and gathers seven tables, once for the value and once for the
    log-determinant; the gradient of a gather is a scatter. Here a comparison with each knot selects
    the bin, once for both: a graph a fifth of the size. The formulas stay TFP's.
    """

    def _compute_shared(self, x=None, y=None):
        key = "x" if x is not None else "y"
        value = x if x is not None else y
        if getattr(self, "_shared_of", (None, None))[0] is value:
            return self._shared_of[1]
        shared = self._select_bin(key, value)
        self._shared_of = (value, shared)
        return shared

    def _select_bin(self, key, value):
        low = tf.cast(self.range_min, value.dtype)
        high = low + tf.reduce_sum(self.bin_widths, -1)
        knots = {"x": _left_knots(self.bin_widths, low), "y": _left_knots(self.bin_heights, low)}
        out_of_bounds = (value <= low) | (value >= high)
        inside = tf.where(out_of_bounds, low, value)[..., tf.newaxis]
        reached = inside >= knots[key]
        is_last = tf.concat([reached[..., :-1] & ~reached[..., 1:], reached[..., -1:]], -1)
        chosen = tf.cast(is_last, value.dtype)

        def select(table):
            return tf.reduce_sum(table * chosen, -1)

        slopes = tf.pad(self.knot_slopes, _pad(value.shape.rank), constant_values=1.0)
        h_k, w_k = select(self.bin_heights), select(self.bin_widths)
        return rational_quadratic_spline._SplineShared(
            out_of_bounds=out_of_bounds,
            x_k=select(knots["x"]),
            y_k=select(knots["y"]),
            d_k=select(slopes[..., :-1]),
            d_kp1=select(slopes[..., 1:]),
            h_k=h_k,
            w_k=w_k,
            s_k=h_k / w_k,
        )


def _left_knots(sizes, low):
    return low + tf.cumsum(sizes, axis=-1, exclusive=True)


def _pad(rank):
    return [[0, 0]] * rank + [[1, 1]]
