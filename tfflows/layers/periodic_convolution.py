"""An invertible convolution on a torus."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfflows.bijector_layer import BijectorLayer
from tfflows.check_bounds import check_odd
from tfflows.layers.autoregressive_convolution import check_image
from tfflows.layers.initial_matrix import initial_matrix
from tfflows.log_abs_det import inverse_by_qr, log_abs_det
from tfflows.of_any_batch import of_any_batch


@keras.saving.register_keras_serializable("tfflows")
class PeriodicConvolution(BijectorLayer):
    """A convolution of images whose opposite edges touch: one matrix for each frequency.

    Hoogeboom et al. 2019, section 3: the Fourier transform of the output at frequency `(u, v)`
    is that of the input there times a `[channels, channels]` matrix `W(u, v)`, the transform of
    the kernel; `log_det` is the sum of `log|det W(u, v)|` over the `height width` frequencies, of
    which those that are conjugates of others are not computed. The inverse solves in the
    frequency domain. `[batch, height, width, channels]` to the same shape.

    It starts as a rotation of the channels. Like the "full" `InvertibleLinear`, it can become
    singular in training.

    Args:
      kernel_size: side of the kernel, odd; not larger than the image.
      kernel_initializer: a Keras initializer of the tap in the middle; the others start at zero.
      seed: seed of the initializer, in place of its own; int or None.
      **kwargs: those of `keras.layers.Layer`.

    >>> layer = PeriodicConvolution(3, seed=0)
    >>> z, log_det = layer(np.ones([2, 8, 8, 4], "float32"))
    >>> x, _ = layer.inverse_and_log_det(tf.identity(z))
    >>> bool(np.allclose(x, 1.0, atol=1e-4))
    True
    """

    def __init__(
        self,
        kernel_size: int = 3,
        kernel_initializer: str | keras.initializers.Initializer = "orthogonal",
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_odd(1, kernel_size=kernel_size)
        self.kernel_size = kernel_size
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.seed = seed

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        super().build(x_shape, condition_shape)
        check_image(self, x_shape)
        if min(x_shape[1:3]) < self.kernel_size:
            raise ValueError(
                f"`PeriodicConvolution` expected images of at least {self.kernel_size} x "
                f"{self.kernel_size}, its kernel. Received: shape {tuple(x_shape)}."
            )
        size, channels = self.kernel_size, x_shape[-1]
        value = np.zeros((size, size, channels, channels))
        value[size // 2, size // 2] = initial_matrix(
            self.kernel_initializer, self.seed, channels, self.flow_dtype
        )
        self.kernel = self.add_flow_weight("taps", value)

    def forward_and_log_det(
        self, x: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        edge = self.kernel_size // 2
        if edge:
            x = tf.concat([x[:, -edge:], x, x[:, :edge]], 1)
            x = tf.concat([x[:, :, -edge:], x, x[:, :, :edge]], 2)
        kernel = tf.convert_to_tensor(self.kernel)
        z = of_any_batch(lambda x: tf.nn.conv2d(x, kernel, 1, "VALID"), x)
        return z, self._log_det(x, 1.0)

    def inverse_and_log_det(
        self, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        edge, size = self.kernel_size // 2, self.event_shape[:2]
        inverse = inverse_by_qr(self._spectrum())
        # Rolled, as if the kernel's first tap were the one of the pixel itself.
        images = tf.transpose(tf.roll(z, [-edge, -edge], [1, 2]), [0, 3, 1, 2])
        by_frequency = tf.transpose(tf.signal.rfft2d(images), [2, 3, 0, 1])
        solved = tf.transpose(by_frequency @ inverse, [2, 3, 0, 1])
        x = tf.transpose(tf.signal.irfft2d(solved, size), [0, 2, 3, 1])
        return x, self._log_det(z, -1.0)

    def _spectrum(self):
        """`W(u, v)` of the frequencies that are stored: `[height, width // 2 + 1, C, C]`."""
        taps = tf.transpose(tf.convert_to_tensor(self.kernel), [2, 3, 0, 1])
        spectrum = tf.signal.rfft2d(taps, self.event_shape[:2])
        # Conjugate: in a network, a convolution is a correlation.
        return tf.math.conj(tf.transpose(spectrum, [2, 3, 0, 1]))

    def _log_det(self, value, sign):
        # A column v stands for its conjugate, width - v, too, unless that is v itself.
        width = self.event_shape[1]
        counts = [1.0 if 2 * v % width == 0 else 2.0 for v in range(width // 2 + 1)]
        total = tf.reduce_sum(log_abs_det(self._spectrum()) * counts)
        return self.constant_log_det(value, sign * total)

    def get_config(self) -> dict:
        return super().get_config() | {
            "kernel_size": self.kernel_size,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "seed": self.seed,
        }
