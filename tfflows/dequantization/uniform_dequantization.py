"""Uniform noise that makes discrete data continuous."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfflows.dequantization.dequantization import Dequantization
from tfflows.stateless_noise import stateless_noise


@keras.saving.register_keras_serializable("tfflows")
class UniformDequantization(Dequantization):
    """`x = y + bin_width u`, with `u` uniform on [0, 1): `log q(x|y) = -sum(log(bin_width))`.

    Theis et al. 2016, section 3.1. Args and calls are those of `Dequantization`.

    >>> dequantize = UniformDequantization(bin_width=0.5)
    >>> x, log_q = dequantize(np.array([[1.0, 2.0]], "float32"), seed=0)
    >>> dequantize.discretize(x).numpy().tolist(), round(float(log_q[0]), 4)  # 2 log 2
    ([[1.0, 2.0]], 1.3863)
    """

    def _noise(self, y, seed):
        u = stateless_noise(tf.random.stateless_uniform, tf.shape(y), seed, dtype=y.dtype)
        return u, tf.zeros([tf.shape(y)[0]], y.dtype)
