"""Weight normalization for dense layers."""

from __future__ import annotations

import keras
import tensorflow as tf

MIN_VARIANCE = 1e-8


@keras.saving.register_keras_serializable("tfflows")
class WeightNormalizedDense(keras.layers.Layer):
    """A linear layer with kernel `gain * v / ||v||`, a norm for each unit.

    Salimans and Kingma 2016, equation 2. `adapt` is the initialisation from data.

    Args:
      units: features that come out.
      kernel_initializer: a Keras initializer, for `v`.
      gain_initializer: a Keras initializer; None: the norm of `v`, so that the layer starts as a
        plain dense one.
      **kwargs: those of `keras.layers.Layer`.

    >>> WeightNormalizedDense(5)(np.ones([2, 3], "float32")).shape
    TensorShape([2, 5])
    """

    def __init__(
        self,
        units: int,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        gain_initializer: str | keras.initializers.Initializer | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = units
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.gain_initializer = keras.initializers.get(gain_initializer)

    def build(self, input_shape: tuple) -> None:
        # Not cast under mixed precision: a norm should be in float32.
        self.direction = self.add_weight(
            shape=self.kernel_shape(input_shape[-1]),
            initializer=self.kernel_initializer,
            name="direction",
            autocast=False,
        )
        self.gain = self.add_weight(
            shape=(self.units,),
            initializer=self.gain_initializer or self._norms_of_direction,
            name="gain",
            autocast=False,
        )
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def _norms_of_direction(self, shape, dtype):
        return _norms(tf.cast(self.direction, dtype))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.add_bias(self.apply_kernel(inputs, tf.cast(self.kernel, inputs.dtype)))

    def add_bias(self, outputs: tf.Tensor) -> tf.Tensor:
        """`[..., units]`, in the dtype of the outputs."""
        return tf.nn.bias_add(outputs, tf.cast(self.bias, outputs.dtype))

    @property
    def kernel(self) -> tf.Tensor:
        """The normalized kernel, in float32."""
        direction = tf.convert_to_tensor(self.direction)
        return direction * (tf.convert_to_tensor(self.gain) / _norms(direction))

    def adapt(self, inputs: tf.Tensor, scale: float = 1.0) -> tf.Tensor:
        """Sets gain and bias so that each unit's outputs have mean 0 and deviation `scale`.

        Salimans and Kingma 2016, section 3. Call it outside of a graph.

        Args:
          inputs: a batch of data, `[batch, ..., c]`.
          scale: the standard deviation.

        Returns:
          The outputs, with the new gain and bias.
        """
        outputs = tf.cast(self(inputs), self.variable_dtype)
        mean, variance = tf.nn.moments(outputs, range(outputs.shape.rank - 1))
        # A unit that is constant on this data keeps its gain.
        ratio = tf.where(variance > MIN_VARIANCE, scale * tf.math.rsqrt(variance), 1.0)
        self.gain.assign(tf.convert_to_tensor(self.gain) * ratio)
        self.bias.assign((tf.convert_to_tensor(self.bias) - mean) * ratio)
        return self(inputs)

    def kernel_shape(self, channels: int) -> tuple:
        return (channels, self.units)

    def apply_kernel(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.tensordot(inputs, kernel, 1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict:
        return super().get_config() | {
            "units": self.units,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "gain_initializer": keras.initializers.serialize(self.gain_initializer),
        }


def _norms(kernel):
    axes = range(kernel.shape.rank - 1)
    # Floored: a unit that is all zeros has no direction, and should not divide by zero.
    return tf.sqrt(tf.maximum(tf.reduce_sum(tf.square(kernel), axes), 1e-12))


def dense(units: int, weight_normalization: bool = False, **kwargs) -> keras.layers.Layer:
    """A linear layer, weight-normalized or plain."""
    return (WeightNormalizedDense if weight_normalization else keras.layers.Dense)(units, **kwargs)
