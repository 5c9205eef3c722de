"""A learned linear map of the last axis, or 1x1 convolution."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfflows.bijector_layer import BijectorLayer
from tfflows.layers.initial_matrix import initial_matrix
from tfflows.log_abs_det import inverse_by_qr, log_abs_det

PARAMETRIZATIONS = ("plu", "qr", "full")


@keras.saving.register_keras_serializable("tfflows")
class InvertibleLinear(BijectorLayer):
    """`z = x W` on the last axis: for images, Glow's 1x1 convolution.

    Kingma and Dhariwal 2018, section 3.2: `log_det = height width log|det W|` (equation 9).
    `[batch, ..., D]` to the same shape. `W`, `[D, D]`, is

    * "plu": `P L (U + diag(sign exp(log_s)))`, with `P` a fixed permutation, `L` unit lower and
      `U` strictly upper triangular (equation 10, with the signs of the diagonal kept fixed);
    * "qr": `Q R`, with `Q` a product of D Householder reflections and `R` upper triangular with
      the diagonal `sign exp(log_s)` (Hoogeboom et al. 2019). The reflections are
      multiplied at once: `Q = I - V S^-1 V^T`, `S = striu(V^T V) + diag(V^T V) / 2` (Joffrain et
      al. 2006, the UT transform);
    * "full": one free matrix.

    The determinant costs O(D) with "plu" and "qr", O(D^3) with "full". Only "full" can change
    the sign of the determinant in training, and become singular on the way.

    Args:
      parametrization: "plu", "qr" or "full".
      kernel_initializer: a Keras initializer of `W`, whatever the parametrization; "identity" too.
      seed: seed of the initializer, in place of its own; int or None.
      **kwargs: those of `keras.layers.Layer`.

    >>> layer = InvertibleLinear("plu", seed=0)
    >>> z, log_det = layer(np.ones([2, 8, 8, 3], "float32"))
    >>> z.shape, log_det.shape
    (TensorShape([2, 8, 8, 3]), TensorShape([2]))
    >>> x, _ = layer.inverse_and_log_det(tf.identity(z))
    >>> bool(np.allclose(x, 1.0, atol=1e-4))
    True
    """

    def __init__(
        self,
        parametrization: str = "plu",
        kernel_initializer: str | keras.initializers.Initializer = "orthogonal",
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if parametrization not in PARAMETRIZATIONS:
            raise ValueError(
                '`parametrization` should be "plu", "qr" or "full". '
                f"Received: parametrization={parametrization!r}."
            )
        self.parametrization = parametrization
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.seed = seed

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        super().build(x_shape, condition_shape)
        self.check_known()
        kernel = initial_matrix(self.kernel_initializer, self.seed, x_shape[-1], self.flow_dtype)
        if self.parametrization == "full":
            self.kernel = self.add_flow_weight("matrix", kernel)
        elif self.parametrization == "plu":
            # Lifted out of any graph the layer is built in, since the values are needed now.
            with tf.init_scope():
                lu, order = (factor.numpy() for factor in tf.linalg.lu(kernel))
            self.permutation = self.add_flow_weight(
                "permutation", np.eye(len(lu))[:, order], trainable=False
            )
            self._add_triangular("lu", lu)
        else:
            reflectors, tau = np.linalg.qr(kernel, mode="raw")
            self.reflectors = self.add_flow_weight(
                "reflectors", np.tril(reflectors.T, -1) + np.eye(len(tau))
            )
            # LAPACK's tau = 0 stands for no reflection. Here there is one, which flips a row of R.
            self._add_triangular("r", np.triu(reflectors.T) * np.where(tau == 0, -1, 1)[:, None])

    def forward_and_log_det(
        self, x: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        if self.parametrization == "full":
            kernel = tf.convert_to_tensor(self.kernel)
        elif self.parametrization == "plu":
            kernel = tf.convert_to_tensor(self.permutation) @ (self._lower() @ self._upper())
        else:
            kernel = self._orthogonal() @ self._upper()
        return self._times(x, kernel), self._log_det(x, 1.0)

    def inverse_and_log_det(
        self, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        if self.parametrization == "full":
            inverse = inverse_by_qr(tf.convert_to_tensor(self.kernel))
        elif self.parametrization == "plu":
            transposed = tf.transpose(self.permutation)
            inverse = tf.linalg.triangular_solve(self._lower(), transposed)
            inverse = tf.linalg.triangular_solve(self._upper(), inverse, lower=False)
        else:
            transposed = tf.transpose(self._orthogonal())
            inverse = tf.linalg.triangular_solve(self._upper(), transposed, lower=False)
        return self._times(z, inverse), self._log_det(z, -1.0)

    def _times(self, value, kernel):
        # What tf.tensordot does, in a fraction of the graph operations.
        rows = tf.reshape(value, [-1, self.event_shape[-1]]) @ kernel
        return tf.reshape(rows, [-1, *self.event_shape])

    def _lower(self):
        """`L`: what is below the diagonal of the triangular weight, and ones on it."""
        weight = tf.convert_to_tensor(self.triangular)
        return tf.linalg.set_diag(
            tf.linalg.band_part(weight, -1, 0), tf.ones(weight.shape[:1], weight.dtype)
        )

    def _upper(self):
        """`U + diag(sign exp(log_s))` or `R`."""
        weight = tf.linalg.band_part(tf.convert_to_tensor(self.triangular), 0, -1)
        return tf.linalg.set_diag(weight, self.sign * tf.exp(tf.convert_to_tensor(self.log_s)))

    def _orthogonal(self):
        """`Q`."""
        v = tf.convert_to_tensor(self.reflectors)
        gram = tf.matmul(v, v, transpose_a=True)
        s = tf.linalg.set_diag(tf.linalg.band_part(gram, 0, -1), tf.linalg.diag_part(gram) / 2)
        solved = tf.linalg.triangular_solve(s, tf.transpose(v), lower=False)
        return tf.eye(v.shape[0], dtype=v.dtype) - v @ solved

    def _log_det(self, value, sign):
        if self.parametrization == "full":
            log_det = log_abs_det(tf.convert_to_tensor(self.kernel))
        else:
            log_det = tf.reduce_sum(tf.convert_to_tensor(self.log_s))
        return self.constant_log_det(value, sign * self.num_positions * log_det)

    def _add_triangular(self, name, matrix):
        """Weights for a matrix whose diagonal keeps its signs; the rest of it is one weight."""
        diagonal = np.diag(matrix)
        self.triangular = self.add_flow_weight(name, matrix - np.diag(diagonal))
        self.log_s = self.add_flow_weight("log_s", np.log(np.abs(diagonal)))
        self.sign = self.add_flow_weight("sign", np.sign(diagonal), trainable=False)

    def get_config(self) -> dict:
        return super().get_config() | {
            "parametrization": self.parametrization,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "seed": self.seed,
        }
