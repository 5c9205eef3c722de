"""Any distribution of TFP's as base distribution."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfflows.distributions.base_distribution import BaseDistribution


@keras.saving.register_keras_serializable("tfflows")
class FixedDistribution(BaseDistribution):
    """A `tfd.Distribution` over latents, with nothing to train.

    It is saved by the name of its class in `tfp.distributions` and its parameters: numbers,
    tensors, and other such distributions.

    Args:
      fixed: a `tfd.Distribution` whose event has the shape of the latent.
      **kwargs: those of `keras.layers.Layer`.

    >>> base = FixedDistribution(tfd.MultivariateNormalDiag(tf.zeros([2]), tf.ones([2])))
    >>> base.build((None, 2))
    >>> round(float(base(tf.zeros([1, 2]))[0]), 4)
    -1.8379
    """

    def __init__(self, fixed: tfd.Distribution, **kwargs):
        super().__init__(**kwargs)
        self.fixed = fixed

    def build(self, z_shape):
        super().build(z_shape)
        event = tuple(self.fixed.event_shape)
        if event != self.latent_shape or self.fixed.batch_shape.rank != 0:
            raise ValueError(
                f"The base distribution should have event shape {self.latent_shape} and no batch "
                f"shape. Received: event shape {event}, batch shape "
                f"{tuple(self.fixed.batch_shape)}."
            )

    def distribution(self) -> tfd.Distribution:
        return self.fixed

    def get_config(self) -> dict:
        return super().get_config() | {"fixed": _serialize(self.fixed)}

    @classmethod
    def from_config(cls, config):
        return cls(**config | {"fixed": _deserialize(config["fixed"])})


def _serialize(value):
    if isinstance(value, tfd.Distribution):
        parameters = {k: _serialize(v) for k, v in value.parameters.items() if v is not None}
        return {"distribution": type(value).__name__, "parameters": parameters}
    if isinstance(value, (tf.Tensor, tf.Variable, np.ndarray)):
        array = np.asarray(value)
        return {"array": array.tolist(), "dtype": array.dtype.name}
    if isinstance(value, tf.DType):
        return {"dtype": value.name}
    if isinstance(value, (list, tuple)):
        return [_serialize(v) for v in value]
    if isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(
        "The parameters of a base distribution should be numbers, tensors or distributions, to be "
        f"saved. Received: a parameter of type {type(value).__name__}."
    )


def _deserialize(value):
    if isinstance(value, list):
        return [_deserialize(v) for v in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return tf.constant(value["array"], value["dtype"])
    if "dtype" in value:
        return tf.as_dtype(value["dtype"])
    cls = getattr(tfd, value["distribution"], None)
    if not (isinstance(cls, type) and issubclass(cls, tfd.Distribution)):
        raise ValueError(
            "The base distribution should be a class of `tfp.distributions`. "
            f"Received: {value['distribution']!r}."
        )
    return cls(**{k: _deserialize(v) for k, v in value["parameters"].items()})
