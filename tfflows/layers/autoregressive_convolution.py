"""A convolution that an order of pixels and channels makes triangular."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfflows.bijector_layer import BijectorLayer
from tfflows.check_bounds import check_bounds
from tfflows.named import named
from tfflows.of_any_batch import of_any_batch

ORDERS = ("raster", "reversed")


@keras.saving.register_keras_serializable("tfflows")
class AutoregressiveConvolution(BijectorLayer):
    """A convolution whose output depends on no later pixel, nor on a later channel of its own.

    Hoogeboom et al. 2019, section 3.1, with their square mask: in raster order a pixel sees the
    `kernel_size` x `kernel_size` square of which it is the last; of its own channels each sees
    those before it, and itself by a factor `exp(log_s)`. The matrix of the convolution is
    triangular, and `log_det = height width sum(log_s)`. Pixels outside the image are zero.
    `[batch, height, width, channels]` to the same shape. It starts as the identity.

    The inverse is a substitution. A pixel waits only for pixels on earlier antidiagonals of the
    image, so a whole antidiagonal is solved at once: `height + width - 1` steps, in a
    `tf.while_loop` that keeps the last `2 kernel_size - 2` of them. Outside of a `tf.function` the
    loop is one in Python, and slow; the methods of models see to that.

    Args:
      kernel_size: side of the square.
      order: "raster": rows down, then columns to the right, then channels up; or "reversed".
      **kwargs: those of `keras.layers.Layer`.

    >>> layer = AutoregressiveConvolution(2)
    >>> z, log_det = layer(np.ones([3, 8, 8, 4], "float32"))
    >>> z.shape, log_det.shape
    (TensorShape([3, 8, 8, 4]), TensorShape([3]))
    """

    def __init__(self, kernel_size: int = 2, order: str = "raster", **kwargs):
        super().__init__(**kwargs)
        check_bounds(1, kernel_size=kernel_size)
        if order not in ORDERS:
            raise ValueError(f'`order` should be "raster" or "reversed". Received: {order!r}.')
        self.kernel_size = kernel_size
        self.order = order

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        super().build(x_shape, condition_shape)
        check_image(self, x_shape)
        channels = x_shape[-1]
        # The last tap is the pixel itself: of it only what is above the diagonal counts.
        taps = np.zeros([self.kernel_size**2, channels, channels])
        self.kernel = self.add_flow_weight("taps", taps)
        self.log_s = self.add_flow_weight("log_s", np.zeros(channels))

    def forward_and_log_det(
        self, x: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        taps = tf.concat([self._earlier(), self._own()[tf.newaxis]], 0)
        kernel = tf.reshape(taps, [self.kernel_size, self.kernel_size, *taps.shape[1:]])
        padding = [self.kernel_size - 1, 0]
        if self.order == "reversed":
            kernel, padding = tf.reverse(kernel, [0, 1, 2, 3]), padding[::-1]
        padding = [[0, 0], padding, padding, [0, 0]]
        z = of_any_batch(lambda x: tf.nn.conv2d(x, kernel, 1, padding), x)
        return z, self._log_det(x, 1.0)

    def inverse_and_log_det(
        self, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        log_det = self._log_det(z, -1.0)
        if self.order == "raster":
            return self._substitute(z), log_det
        return tf.reverse(self._substitute(tf.reverse(z, [1, 2, 3])), [1, 2, 3]), log_det

    def _substitute(self, z):
        """Solves `x own + earlier(x) = z`, multiplied by `own^-1`: `x = z own^-1 - ...`."""
        own = self._own()
        inverse = tf.linalg.triangular_solve(
            own, tf.eye(own.shape[0], dtype=own.dtype), lower=False
        )
        feedback = tf.reshape(self._earlier() @ inverse, [-1, own.shape[0]])
        diagonals = skew(tf.tensordot(z, inverse, 1))
        steps, size = diagonals.shape[0], self.kernel_size
        offsets = [divmod(tap, size) for tap in range(size**2 - 1, 0, -1)]

        def step(i, past, solved):
            # A tap `down` and `right` pixels back is that many antidiagonals back, `down` rows up.
            seen = [down_rows(past[down + right - 1], down) for down, right in offsets]
            now = diagonals[i]
            if seen:
                now -= tf.tensordot(tf.concat(seen, -1), feedback, 1)
            return i + 1, (now, *past)[: len(past)], solved.write(i, now)

        past = (tf.zeros_like(diagonals[0]),) * (2 * size - 2)
        solved = tf.TensorArray(z.dtype, steps, element_shape=diagonals.shape[1:])
        *_, solved = tf.while_loop(
            lambda i, *_: i < steps, step, (0, past, solved), maximum_iterations=steps
        )
        return unskew(solved.stack(), self.event_shape[1])

    def _own(self):
        """What a pixel does to itself: triangular, with a positive diagonal."""
        upper = tf.linalg.band_part(tf.convert_to_tensor(self.kernel)[-1], 0, -1)
        return tf.linalg.set_diag(upper, tf.exp(tf.convert_to_tensor(self.log_s)))

    def _earlier(self):
        """What the pixels before it do to a pixel: `[kernel_size^2 - 1, channels, channels]`."""
        return tf.convert_to_tensor(self.kernel)[:-1]

    def _log_det(self, value, sign):
        total = tf.reduce_sum(tf.convert_to_tensor(self.log_s))
        return self.constant_log_det(value, sign * self.num_positions * total)

    def get_config(self) -> dict:
        return super().get_config() | {"kernel_size": self.kernel_size, "order": self.order}


def check_image(layer: BijectorLayer, x_shape: tuple) -> None:
    """Raises a ValueError unless `x_shape` is that of images of known size."""
    if len(x_shape) != 4 or None in x_shape[1:]:
        raise ValueError(
            f"{named(layer)} expected images [batch, height, width, "
            f"channels] of known size. Received: shape {tuple(x_shape)}."
        )


def skew(x: tf.Tensor) -> tf.Tensor:
    """The antidiagonals of images, in rows: `[batch, H, W, C]` to `[H + W - 1, batch, H, C]`."""
    _, height, width, channels = x.shape
    # Rows `height` too long, read as rows one shorter: each starts one place after the one before.
    flat = tf.pad(x, [[0, 0], [0, 0], [0, height], [0, 0]])
    flat = tf.reshape(flat, [-1, height * (width + height), channels])[:, :-height]
    return tf.transpose(tf.reshape(flat, [-1, height, width + height - 1, channels]), [2, 0, 1, 3])


def unskew(x: tf.Tensor, width: int) -> tf.Tensor:
    """The inverse of `skew`."""
    steps, _, height, channels = x.shape
    flat = tf.reshape(tf.transpose(x, [1, 2, 0, 3]), [-1, height * steps, channels])
    flat = tf.pad(flat, [[0, 0], [0, height], [0, 0]])
    return tf.reshape(flat, [-1, height, steps + 1, channels])[:, :, :width]


def down_rows(x: tf.Tensor, count: int) -> tf.Tensor:
    """`[batch, H, C]`, each row moved `count` rows down; zeros come in."""
    return tf.pad(x, [[0, 0], [count, 0], [0, 0]])[:, : x.shape[1]]
