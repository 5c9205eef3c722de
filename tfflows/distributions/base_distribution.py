"""What a flow's latent is distributed as."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfflows.data_types import TensorLike
from tfflows.flow_dtype import flow_dtype


class BaseDistribution(keras.layers.Layer):
    """A Keras layer that owns a base distribution's weights, if any, and hands it out.

    A subclass writes `distribution`; one that can be sampled at a temperature writes
    `tempered` too. Built with the shape of the latent, `[batch, ...]`.

    >>> base = StandardNormal()
    >>> base.build((None, 2))
    >>> base.sample(3, temperature=0.5, seed=1).shape, base(tf.zeros([4, 2])).shape
    (TensorShape([3, 2]), TensorShape([4]))
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.latent_shape = None

    def build(self, z_shape: tuple) -> None:
        self.latent_shape = tuple(z_shape[1:])

    def check_distribution(self) -> None:
        """Raises a ValueError unless the distribution is one over latents of the built shape."""
        made = self.distribution()
        event, batch = tuple(made.event_shape), made.batch_shape
        if event != self.latent_shape or batch.rank != 0:
            raise ValueError(
                f"The base distribution should have event shape {self.latent_shape} and no batch "
                f"shape (`tfd.Independent` makes one of the other). Received: event shape {event}, "
                f"batch shape {batch}, of {type(self).__name__} '{self.name}'."
            )
        if made.dtype != (own := flow_dtype(self)):
            raise ValueError(
                f"The base distribution should be of dtype {own}, as the layer '{self.name}' is. "
                f"Received: {made.dtype!r}."
            )

    def distribution(self) -> tfd.Distribution:
        """The `tfd.Distribution` over latents, made from the weights as they are."""
        raise NotImplementedError

    def sample(
        self, n: int | tf.Tensor, temperature: TensorLike = 1.0, seed: TensorLike | None = None
    ) -> tf.Tensor:
        """`n` latents, `[n, ...]`; a `temperature` below 1 draws nearer to the modes.

        Args:
          n: how many.
          temperature: a number; with a seed for each latent, also one for each.
          seed: what TFP takes, or pairs of int32 `[n, 2]`.
        """
        if seed is None or np.ndim(seed) < 2:
            return self.tempered(temperature).sample(n, seed=seed)
        temperature = tf.broadcast_to(tf.cast(temperature, flow_dtype(self)), [n])
        z = tf.map_fn(
            lambda each: self.tempered(each[0]).sample(seed=each[1]),
            (temperature, tf.convert_to_tensor(seed, tf.int32)),
            fn_output_signature=tf.TensorSpec(self.latent_shape, flow_dtype(self)),
        )
        return tf.ensure_shape(z, [None, *self.latent_shape])

    def tempered(self, temperature: TensorLike) -> tfd.Distribution:
        """The distribution with every scale multiplied by `temperature`."""
        check = tf.debugging.assert_equal(
            tf.cast(temperature, tf.float32),
            1.0,
            f"`temperature` should be 1 with a base distribution {type(self).__name__}, which does "
            "not write `tempered`.",
        )
        with tf.control_dependencies([] if check is None else [check]):
            return self.distribution()

    def call(self, z: tf.Tensor) -> tf.Tensor:
        """Log-density of latents in nats, `[batch]`."""
        return self.distribution().log_prob(z)

    def compute_output_shape(self, z_shape: tuple) -> tuple:
        return (z_shape[0],)
