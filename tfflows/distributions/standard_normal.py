"""The usual base distribution."""

from __future__ import annotations

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfflows.data_types import TensorLike
from tfflows.distributions.base_distribution import BaseDistribution
from tfflows.flow_dtype import flow_dtype


@keras.saving.register_keras_serializable("tfflows")
class StandardNormal(BaseDistribution):
    """Independent standard normals.

    >>> base = StandardNormal()
    >>> base.build((None, 2))
    >>> round(float(base(tf.zeros([1, 2]))[0]), 4)  # -log(2 pi)
    -1.8379
    """

    def get_config(self) -> dict:
        return super().get_config()  # Keras's own refuses a dtype that is a policy

    def distribution(self) -> tfd.Distribution:
        return self.tempered(1.0)

    def tempered(self, temperature: TensorLike) -> tfd.Distribution:
        scale = tf.cast(temperature, flow_dtype(self))
        normal = tfd.Normal(tf.zeros([], scale.dtype), scale)
        return tfd.Sample(normal, self.latent_shape)
