"""The autoregressive layer."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfflows.bijector_layer import BijectorLayer
from tfflows.families import Family
from tfflows.families.names import FAMILIES
from tfflows.identifier import resolve
from tfflows.networks import MADE


@keras.saving.register_keras_serializable("tfflows")
class Autoregressive(BijectorLayer):
    """Transforms each `x_i` with parameters computed from those before it, in one pass.

    With the affine family this is MAF's layer (Papamakarios et al. 2017, equations 3 to 5); its
    `Invert` is IAF's. The inverse goes through the inputs one after another, but computes each
    unit of the network once (see `MADE.sequential`).

    Args:
      network: a `MADE`.
      family: "additive", "affine", "softplus_affine", "rational_quadratic_spline",
        "mixture_of_logistics", or a `Family`.
      **kwargs: those of `keras.layers.Layer`.

    >>> layer = Autoregressive(MADE([32]))
    >>> z, log_det = layer(np.ones([3, 4], "float32"))
    >>> z.shape, log_det.shape
    (TensorShape([3, 4]), TensorShape([3]))
    """

    uses_condition = True

    def __init__(self, network: MADE, family: str | Family = "affine", **kwargs):
        super().__init__(**kwargs)
        if not hasattr(network, "num_parameters"):
            raise ValueError(
                f"`network` should be a `MADE`, or be like one. Received: {type(network).__name__}."
            )
        self.network = network
        self.family = resolve(family, FAMILIES, Family, "family")
        if network.num_parameters is None:
            network.num_parameters = self.family.num_parameters
        if network.num_parameters != self.family.num_parameters:
            raise ValueError(
                f"The network should give {self.family.num_parameters} parameters for each input, "
                f"as {type(self.family).__name__} needs. "
                f"Received: a network with num_parameters={network.num_parameters}."
            )

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        super().build(x_shape, condition_shape)
        if len(x_shape) != 2:
            raise ValueError(
                f"`Autoregressive` expected vectors [batch, D]. Received: shape {tuple(x_shape)}."
            )
        if not self.network.built:
            self.network.build(x_shape, condition_shape)
        elif isinstance(self.network, MADE):
            self.network.check_shape(x_shape)

    def forward_and_log_det(
        self, x: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        parameters = tf.cast(self.network(x, condition), self.flow_dtype)
        z, log_det = self.family.forward_and_log_det(x, parameters)
        return z, tf.reduce_sum(log_det, -1)

    def inverse_and_log_det(
        self, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        condition = self.check_condition(condition)
        return self.network.sequential(self.family.inverse_and_log_det, z, condition)

    def get_config(self) -> dict:
        return super().get_config() | {
            "network": keras.saving.serialize_keras_object(self.network),
            "family": keras.saving.serialize_keras_object(self.family),
        }
