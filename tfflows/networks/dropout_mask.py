"""Dropout of what is computed twice, with few random numbers."""

from __future__ import annotations

import numbers

import keras
import tensorflow as tf

from tfflows.stateless_seed import stateless_seed


@keras.saving.register_keras_serializable("tfflows")
class DropoutMask(keras.layers.Layer):
    """Which features dropout keeps, as booleans, for what the backward pass computes again.

    One random byte is drawn for each feature, where Keras's `Dropout` draws four: on a CPU they are
    most of what it costs. The rate is rounded to 256ths.

    Args:
      rate: share of the features that are dropped in training: 0, or from 1/256 to 255/256.
      channels: of the features.
      seed: None, or an int.
      **kwargs: those of `keras.layers.Layer`.

    Call: `inputs [..., c]` to the mask, `[..., channels]`, or None if not in training.

    >>> layer = DropoutMask(0.25, 4, seed=1)
    >>> kept = layer(np.ones([1000, 3], "float32"), training=True)
    >>> [f"{value:.3f}" for value in np.unique(layer.drop(tf.ones([1000, 4]), kept))]
    ['0.000', '1.333']
    """

    def __init__(self, rate: float, channels: int, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.channels = channels
        self.seed = seed
        check_rate(rate=rate)
        self.dropped_of_256 = round(256 * rate)
        self.seed_generator = keras.random.SeedGenerator(seed) if rate else None

    def build(self, input_shape: tuple) -> None:
        pass

    def call(self, inputs: tf.Tensor, training: bool | None = False) -> tf.Tensor | None:
        if not training or not self.dropped_of_256:
            return None
        shape = tf.concat([tf.shape(inputs)[:-1], [self.channels]], 0)
        size = tf.reduce_prod(shape)
        seed = stateless_seed(None, self.seed_generator)
        numbers = tf.random.stateless_uniform([(size + 3) // 4], seed, None, None, tf.uint32)
        numbers = tf.reshape(tf.bitcast(numbers, tf.uint8), [-1])[:size]
        return tf.reshape(numbers, shape) >= self.dropped_of_256

    def drop(self, features: tf.Tensor, kept: tf.Tensor | None) -> tf.Tensor:
        """Zero where a feature is not kept, the others scaled up; unchanged if there's no mask."""
        if kept is None:
            return features
        scaled = features * (256 / (256 - self.dropped_of_256))
        return tf.where(kept, scaled, tf.zeros([], features.dtype))

    def get_config(self) -> dict:
        names = ["rate", "channels", "seed"]
        return super().get_config() | {name: getattr(self, name) for name in names}


def check_rate(**rates: float) -> None:
    """Raises a ValueError that names the first rate of dropout that is not 0 and rounds to 0 or 1.

    >>> check_rate(dropout=0.999)
    Traceback (most recent call last):
    ...
    ValueError: `dropout` should be 0, or 1/256 to 255/256 once rounded. Received: dropout=0.999.
    """
    for name, rate in rates.items():
        is_number = isinstance(rate, numbers.Real)
        if not (is_number and (rate == 0 or 0.5 < 256 * rate < 255.5)):
            raise ValueError(
                f"`{name}` should be 0, or 1/256 to 255/256 once rounded. Received: {name}={rate}."
            )
