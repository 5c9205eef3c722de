"""The gate of PixelCNN++ and Flow++."""

from __future__ import annotations

import tensorflow as tf

from tfflows.networks.concat_elu import wide


@tf.custom_gradient
def glu(h: tf.Tensor) -> tf.Tensor:
    """`a sigmoid(b)`, a and b the halves of the last axis."""
    a, b = tf.split(h, 2, -1)
    y = a * tf.cast(tf.sigmoid(wide(b)), a.dtype)
    return y, lambda upstream: tf.concat(_gradients(a, b, upstream), -1)


@tf.function(jit_compile=True)  # as in concat_elu
def _gradients(a, b, upstream):
    dy, gate = wide(upstream), tf.sigmoid(wide(b))
    gradients = dy * gate, dy * wide(a) * gate * (1 - gate)
    return [tf.cast(gradient, a.dtype) for gradient in gradients]
