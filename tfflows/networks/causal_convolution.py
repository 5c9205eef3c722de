"""The convolution of autoregressive models of images."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfflows.data_types import TensorLike
from tfflows.networks.weight_normalized_dense import WeightNormalizedDense


@keras.saving.register_keras_serializable("tfflows")
class CausalConvolution(WeightNormalizedDense):
    """A weight-normalized convolution of what is above, or above and to the left, of a pixel.

    Salimans et al. 2017, section 2.4, and their code: a pixel of the output sees, of the input, its
    own row and those above, with the columns centred ("down"); or its own column and those to the
    left only ("down_right"). Its own pixel is among what it sees: to leave that out, shift the
    input (`shift_down`, `shift_right`). Beyond the image there are zeros.

    The same weights serve a sampler that knows the image row by row (`step_row`) or pixel by pixel
    (`row_term`, then `step_pixel`); these take the `kernel`, so that it's made but once.

    Args:
      units: filters.
      kernel_size: rows and columns of the kernel; for "down" the columns are odd.
      stream: "down" or "down_right".
      strides: 1; or 2, which halves the image, odd sizes rounded up.
      initial_scale: standard deviation of the outputs that `adapt` gives.
      **kwargs: those of `keras.layers.Layer`.

    >>> CausalConvolution(5, (2, 3))(np.ones([2, 4, 4, 3], "float32")).shape
    TensorShape([2, 4, 4, 5])
    """

    def __init__(
        self,
        units: int,
        kernel_size: tuple[int, int] = (2, 3),
        stream: str = "down",
        strides: int = 1,
        initial_scale: float = 1.0,
        **kwargs,
    ):
        super().__init__(units, **kwargs)
        if stream not in ("down", "down_right"):
            raise ValueError(
                f'`stream` should be "down" or "down_right". Received: stream={stream!r}.'
            )
        if stream == "down" and not kernel_size[1] % 2:
            raise ValueError(
                f'Columns should be odd for stream="down". Received: kernel_size={kernel_size}.'
            )
        self.kernel_size = tuple(kernel_size)
        self.stream = stream
        self.strides = strides
        self.initial_scale = initial_scale

    def kernel_shape(self, channels: int) -> tuple:
        return (*self.kernel_size, channels, self.units)

    def apply_kernel(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return self._convolve(inputs, kernel, self.kernel_size[0] - 1)

    def adapt(self, inputs: tf.Tensor) -> tf.Tensor:
        return super().adapt(inputs, self.initial_scale)

    def _convolve(self, inputs, kernel, top):
        if self.kernel_size == (1, 1) and self.strides == 1:
            # A product: the gradient of such a convolution is slower on CPUs.
            return super().apply_kernel(inputs, kernel[0, 0])
        padding = [[0, 0], [top, 0], self._sides(self.kernel_size[1] - 1), [0, 0]]
        return tf.nn.conv2d(tf.pad(inputs, padding), kernel, self.strides, "VALID")

    def _sides(self, columns):
        """Of so many columns, how many are to the left of a pixel, and how many to the right."""
        left = columns if self.stream == "down_right" else columns // 2
        return [left, columns - left]

    def sees_all_of(self, kernel: TensorLike) -> bool:
        """Whether a kernel, `[rows, columns, ...]`, has no more of either than this layer's."""
        return tuple(np.maximum(self.kernel_size, kernel.shape[:2])) == self.kernel_size

    def extend(self, kernel: TensorLike) -> np.ndarray:
        """A kernel that sees less as one of this layer, with zeros beyond: of the same outputs.

        Args:
          kernel: `[rows, columns, ...]`, those of `sees_all_of`.
        """
        kernel = np.asarray(kernel)
        rows, columns = np.subtract(self.kernel_size, kernel.shape[:2])
        return np.pad(kernel, [(rows, 0), self._sides(columns), (0, 0), (0, 0)])

    # -- row by row, pixel by pixel -------------------------------------------------------------

    def step_row(
        self, above: tf.Tensor, row: tf.Tensor, kernel: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """A row of the output, `[batch, width, units]`, of one of the input.

        Args:
          above: the `kernel_size[0] - 1` rows of the input above, `[batch, rows, width, c]`.
          row: `[batch, width, c]`.
          kernel: `self.kernel`.

        Returns:
          The row, and what is `above` for the next.
        """
        rows = tf.concat([above, row[:, tf.newaxis]], 1)
        return self.add_bias(self._convolve(rows, kernel, 0)[:, 0]), rows[:, 1:]

    def row_term(self, above: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """What the rows above, as in `step_row`, and the bias give to a row of the output."""
        if self.kernel_size[0] == 1:
            return self.add_bias(tf.zeros([*_sizes(above, self.strides), self.units], above.dtype))
        return self.add_bias(self._convolve(above, kernel[:-1], 0)[:, 0])

    def step_pixel(
        self, window: list[tf.Tensor], row_term: tf.Tensor, kernel: tf.Tensor
    ) -> tf.Tensor:
        """A pixel of the output, `[batch, units]`, of stream "down_right".

        Args:
          window: of the row of the input the pixel and those to its left, the first one first: a
            list of `[batch, c]`, together `kernel_size[1] * c` channels.
          row_term: that of this pixel, `[batch, units]`.
          kernel: `self.kernel`.
        """
        return tf.concat(window, 1) @ tf.reshape(kernel[-1], [-1, self.units]) + row_term

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        n, *size, _ = input_shape
        return (n, *(None if s is None else -(-s // self.strides) for s in size), self.units)

    def get_config(self) -> dict:
        names = ["kernel_size", "stream", "strides", "initial_scale"]
        return super().get_config() | {name: getattr(self, name) for name in names}


def shift_down(x: tf.Tensor) -> tf.Tensor:
    """Each pixel of `[batch, h, w, c]` one row lower, zeros on top."""
    return tf.pad(x, [[0, 0], [1, 0], [0, 0], [0, 0]])[:, :-1]


def shift_right(x: tf.Tensor) -> tf.Tensor:
    """Each pixel of `[batch, h, w, c]` one column to the right, zeros on the left."""
    return tf.pad(x, [[0, 0], [0, 0], [1, 0], [0, 0]])[:, :, :-1]


def _sizes(above, strides):
    return [tf.shape(above)[0], -(-above.shape[2] // strides)]
