"""The attention block of Flow++'s conditioner."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfflows.check_bounds import check_bounds
from tfflows.networks.concat_elu import wide
from tfflows.networks.glu import glu


@keras.saving.register_keras_serializable("tfflows")
class GatedSelfAttention(keras.layers.Layer):
    """`h + a sigmoid(b)`, `(a, b) = conv_1x1(attention(h + position))`; shape kept.

    Ho et al. 2019, section 3.2.2: every pixel attends to every other, with several heads (Vaswani
    et al. 2017, section 3.2) and a learned embedding of the position. Time and memory grow with the
    square of the number of pixels. The last 1x1 convolution starts at zero, and the block as the
    identity. The softmax is in float32 at least, whatever the rest computes in.

    Args:
      units: channels of input and output, a multiple of `num_heads`.
      num_heads: attention heads.
      **kwargs: those of `keras.layers.Layer`.

    >>> GatedSelfAttention(4, num_heads=2)(np.ones([2, 8, 8, 4], "float32")).shape
    TensorShape([2, 8, 8, 4])
    """

    def __init__(self, units: int, num_heads: int = 4, **kwargs):
        super().__init__(**kwargs)
        check_bounds(1, num_heads=num_heads)
        check_heads(units, num_heads)
        self.units = units
        self.num_heads = num_heads
        policy = self.dtype_policy
        self.projection = keras.layers.Conv2D(3 * units, 1, name="projection", dtype=policy)
        self.gate = keras.layers.Conv2D(
            2 * units, 1, kernel_initializer="zeros", name="gate", dtype=policy
        )

    def build(self, input_shape: tuple) -> None:
        self.position = self.add_weight(
            shape=tuple(input_shape[1:]),
            initializer=keras.initializers.RandomNormal(stddev=0.01),
            name="position",
        )
        self.projection.build(input_shape)
        self.gate.build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        _, height, width, _ = inputs.shape
        size = self.units // self.num_heads
        packed = self.projection(inputs + tf.convert_to_tensor(self.position))
        packed = tf.reshape(packed, [-1, height * width, 3, self.num_heads, size])
        query, key, value = tf.unstack(tf.transpose(packed, [2, 0, 3, 1, 4]))
        logits = tf.matmul(query * size**-0.5, key, transpose_b=True)
        attention = tf.cast(tf.nn.softmax(wide(logits)), value.dtype)
        mixed = tf.transpose(tf.matmul(attention, value), [0, 2, 1, 3])
        mixed = tf.reshape(mixed, [-1, height, width, self.units])
        return inputs + glu(self.gate(mixed))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return tuple(input_shape)

    def get_config(self) -> dict:
        return super().get_config() | {"units": self.units, "num_heads": self.num_heads}


def check_heads(units: int, num_heads: int) -> None:
    """Raises a ValueError unless as many heads, if any, share the channels evenly."""
    if num_heads and units % num_heads:
        raise ValueError(
            "`units` should be a multiple of `num_heads`. "
            f"Received: units={units}, num_heads={num_heads}."
        )
