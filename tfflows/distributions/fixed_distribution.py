"""Any distribution of TFP's as base distribution."""

from __future__ import annotations

import keras
from tensorflow_probability import distributions as tfd

from tfflows.distributions.base_distribution import BaseDistribution
from tfflows.tfp_config import check_fixed, deserialize, serialize


@keras.saving.register_keras_serializable("tfflows")
class FixedDistribution(BaseDistribution):
    """A `tfd.Distribution` over latents, with nothing to train.

    It is saved by the name of its class in `tfp.distributions` and its parameters: numbers,
    tensors, and other distributions and bijectors of TFP's. One that has variables, or that could
    not be saved, is refused.

    Args:
      fixed: a `tfd.Distribution` whose event has the shape of the latent, in the layer's dtype.
      **kwargs: those of `keras.layers.Layer`.

    >>> base = FixedDistribution(tfd.MultivariateNormalDiag(tf.zeros([2]), tf.ones([2])))
    >>> base.build((None, 2))
    >>> round(float(base(tf.zeros([1, 2]))[0]), 4)
    -1.8379
    """

    def __init__(self, fixed: tfd.Distribution, **kwargs):
        super().__init__(**kwargs)
        cure = "use a `GaussianMixture`, or write a `BaseDistribution` whose weights they are"
        check_fixed("FixedDistribution", fixed, "distribution", cure)
        self.fixed = fixed

    def build(self, z_shape: tuple) -> None:
        super().build(z_shape)
        self.check_distribution()

    def distribution(self) -> tfd.Distribution:
        return self.fixed

    def get_config(self) -> dict:
        return super().get_config() | {"fixed": serialize(self.fixed)}

    @classmethod
    def from_config(cls, config: dict) -> FixedDistribution:
        return cls(**config | {"fixed": deserialize(config["fixed"])})
