"""Log-determinants and inverses that XLA can compile for complex matrices too."""

from __future__ import annotations

import tensorflow as tf


@tf.custom_gradient
def log_abs_det(matrices: tf.Tensor):
    """`log|det A|` of real or complex matrices `[..., C, C]`, `[...]`, real.

    By QR, which XLA has, where it lacks `slogdet`; the gradient is `A^-H`, from the same factors.

    >>> round(float(log_abs_det(tf.constant([[0.0, 2.0], [2.0, 0.0]]))), 4)
    1.3863
    """
    q, r = tf.linalg.qr(matrices)

    def gradient(d):
        inverse = _inverse(q, r)
        return tf.linalg.adjoint(inverse) * tf.cast(d, inverse.dtype)[..., tf.newaxis, tf.newaxis]

    return tf.reduce_sum(tf.math.log(tf.abs(tf.linalg.diag_part(r))), -1), gradient


def inverse_by_qr(matrices: tf.Tensor) -> tf.Tensor:
    """`A^-1` of real or complex matrices `[..., C, C]`."""
    return _inverse(*tf.linalg.qr(matrices))


def _inverse(q, r):
    return tf.linalg.triangular_solve(r, tf.linalg.adjoint(q), lower=False)
