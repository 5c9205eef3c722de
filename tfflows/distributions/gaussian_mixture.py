"""A trainable mixture as base distribution."""

from __future__ import annotations

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfflows.check_bounds import check_bounds
from tfflows.data_types import TensorLike
from tfflows.distributions.base_distribution import BaseDistribution
from tfflows.flow_dtype import flow_dtype


@keras.saving.register_keras_serializable("tfflows")
class GaussianMixture(BaseDistribution):
    """A mixture of Gaussians with diagonal covariance, trained with the flow; for vector latents.

    Args:
      num_components: Gaussians in the mixture.
      seed: seed of the initial means, drawn from a standard normal.
      **kwargs: those of `keras.layers.Layer`.

    >>> base = GaussianMixture(3, seed=1)
    >>> base.build((None, 2))
    >>> base.sample(5, seed=(0, 1)).shape
    TensorShape([5, 2])
    """

    def __init__(self, num_components: int, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        check_bounds(1, num_components=num_components)
        self.num_components = num_components
        self.seed = seed

    def build(self, z_shape: tuple) -> None:
        super().build(z_shape)
        shape = (self.num_components, z_shape[-1])
        normal = keras.initializers.RandomNormal(stddev=1.0, seed=self.seed)
        options = {"dtype": flow_dtype(self), "autocast": False}
        self.logits = self.add_weight(shape[:1], "zeros", name="logits", **options)
        self.loc = self.add_weight(shape, normal, name="loc", **options)
        self.log_scale = self.add_weight(shape, "zeros", name="log_scale", **options)

    def distribution(self) -> tfd.Distribution:
        return self.tempered(1.0)

    def tempered(self, temperature: TensorLike) -> tfd.Distribution:
        scale = tf.exp(tf.convert_to_tensor(self.log_scale))
        temperature = tf.maximum(tf.cast(temperature, scale.dtype), 1e-6)  # it is divided by
        return tfd.MixtureSameFamily(
            tfd.Categorical(logits=tf.convert_to_tensor(self.logits)),
            # Of these, unlike of `MultivariateNormalDiag`, samples have a gradient for the logits.
            tfd.Independent(
                tfd.Normal(tf.convert_to_tensor(self.loc), temperature * scale),
                1,
            ),
            reparameterize=True,
        )

    def get_config(self) -> dict:
        return super().get_config() | {"num_components": self.num_components, "seed": self.seed}
