"""Uniform noise that makes discrete data continuous."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable("tfflows")
class UniformDequantization(keras.layers.Layer):
    """`x = y + bin_width u`, with `u` uniform on [0, 1), and the log-density of `x` given `y`.

    Theis et al. 2016, section 3.1: `log p(x) - log q(x|y)` is, on average over the noise, a lower
    bound of `log P(y)`, the log-probability of the discrete data in nats (Ho et al.
    2019).

    Calling the layer, `layer(y, seed=None)`, takes `y` `[batch, ...]`, of any integer or float
    dtype, to `(x, log_q)`: `x` of the same shape, and `log_q = -sum(log(bin_width))` over the
    event, `[batch]`. Both are float32 (float64 under a "float64" policy). `x` never rounds up into
    the next bin. `seed` is None, for noise that differs at each call, or an int or a pair of
    int32, for noise that is a function of the seed, as in `tf.data.Dataset.map`.

    Args:
      bin_width: distance between neighbouring values of the data, a number or one for each
        element of the last axis.
      centered: whether `u` is uniform on [-1/2, 1/2) instead: for data rounded to the nearest.
      **kwargs: those of `keras.layers.Layer`.

    >>> dequantize = UniformDequantization(bin_width=0.5)
    >>> x, log_q = dequantize(np.array([[1.0, 2.0]], "float32"), seed=0)
    >>> np.floor(x / 0.5).tolist(), round(float(log_q[0]), 4)  # 2 log 2
    ([[2.0, 4.0]], 1.3863)
    """

    def __init__(self, bin_width: float | Sequence[float] = 1.0, centered: bool = False, **kwargs):
        super().__init__(autocast=False, **kwargs)
        widths = np.asarray(bin_width, "float64")
        if widths.ndim > 1 or not np.all((widths > 0) & np.isfinite(widths)):
            raise ValueError(
                "`bin_width` should be a positive number or a list of them. "
                f"Received: bin_width={bin_width}."
            )
        self.bin_width = widths.tolist()
        self.centered = centered
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, y, seed=None):
        dtype = "float64" if self.variable_dtype == "float64" else "float32"
        y = tf.cast(y, dtype)
        widths = np.asarray(self.bin_width)
        if widths.ndim and (y.shape.rank < 2 or y.shape[-1] not in (None, len(widths))):
            raise ValueError(
                f"Layer '{self.name}' ({type(self).__name__}) has {len(widths)} bin widths and "
                f"expected as many elements on the last axis. Received: shape {tuple(y.shape)}."
            )
        width = tf.constant(widths, dtype)
        start = y - width / 2 if self.centered else y
        x = start + width * tf.random.stateless_uniform(tf.shape(y), self._seed(seed), dtype=dtype)
        # The sum may round up to the end of the bin, which belongs to the next one.
        x = tf.where(x < start + width, x, start)
        log_density = tf.constant(np.log(1 / widths), dtype)
        log_q = tf.reduce_sum(tf.broadcast_to(log_density, tf.shape(y)[1:]))
        return x, tf.fill([tf.shape(y)[0]], log_q)

    def _seed(self, seed):
        """The two integers that TensorFlow's stateless random numbers start from."""
        if seed is None:
            return self.seed_generator.next()
        if isinstance(seed, (int, np.integer)):
            seed = [int(seed), 0]
        if not tf.is_tensor(seed):
            seed = np.asarray(seed)
        shape = tf.TensorShape(seed.shape)
        fits = shape.rank == 0 or shape.is_compatible_with([2])
        if not (fits and np.issubdtype(tf.as_dtype(seed.dtype).as_numpy_dtype, np.integer)):
            raise ValueError(
                f"`seed` should be None, an int, or a pair of int32. Received: seed={seed}."
            )
        seed = tf.convert_to_tensor(seed)
        return tf.stack([seed, tf.zeros_like(seed)]) if seed.shape.rank == 0 else seed

    def get_config(self) -> dict:
        return super().get_config() | {"bin_width": self.bin_width, "centered": self.centered}
