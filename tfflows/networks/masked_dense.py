"""A dense layer whose units see only some inputs, and which multiplies only what is there."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfflows.networks.staircase import Staircase


@keras.saving.register_keras_serializable("tfflows")
class MaskedDense(keras.layers.Layer):
    """A dense layer in which unit `j` sees input `i` only if `in_degrees[i] <= out_degrees[j]`.

    The layer of MADE (Germain et al. 2015, equation 8). Degrees are sorted, so that the mask is a
    staircase, and the half of the kernel that it zeroes is for the most part not multiplied.

    Args:
      in_degrees: degree of each input, sorted.
      out_degrees: degree of each unit, sorted.
      kernel_initializer, bias_initializer: Keras initializers.
      **kwargs: those of `keras.layers.Layer`.

    >>> layer = MaskedDense(in_degrees=[1, 2], out_degrees=[0, 1], kernel_initializer="ones")
    >>> layer(np.array([[3.0, 5.0]], "float32")).numpy().tolist()
    [[0.0, 3.0]]
    """

    def __init__(
        self,
        in_degrees: Sequence[int] | np.ndarray,
        out_degrees: Sequence[int] | np.ndarray,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        bias_initializer: str | keras.initializers.Initializer = "zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.in_degrees = np.asarray(in_degrees)
        self.out_degrees = np.asarray(out_degrees)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.staircase = Staircase(self.in_degrees, self.out_degrees)

    def build(self, input_shape: tuple) -> None:
        self.kernel = self.add_weight(
            shape=(len(self.in_degrees), len(self.out_degrees)),
            initializer=self.kernel_initializer,
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=(len(self.out_degrees),), initializer=self.bias_initializer, name="bias"
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        kernel, bias = tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        return self.staircase.dense(inputs, kernel, bias)

    def masked_kernel(self) -> tf.Tensor:
        """The kernel as it acts, `[inputs, units]`: zero where a unit does not see an input."""
        return self.staircase.masked(tf.convert_to_tensor(self.kernel))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], len(self.out_degrees))

    def get_config(self) -> dict:
        return super().get_config() | {
            "in_degrees": self.in_degrees.tolist(),
            "out_degrees": self.out_degrees.tolist(),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }
