"""A layer the other way round."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfflows.bijector_layer import BijectorLayer
from tfflows.layers.checked_layers import checked_layers


@keras.saving.register_keras_serializable("tfflows")
class Invert(BijectorLayer):
    """Takes a layer's inverse for its forward direction: `Invert(Autoregressive(...))` is IAF.

    The layer inside must keep the shape of the event, since it is built from the data's.

    There is nothing to adapt: what an `ActNorm` inside adapts to would be the output, which is not
    known before. Put normalizations outside.

    Args:
      layer: a `BijectorLayer`.
      **kwargs: those of `keras.layers.Layer`.

    >>> layer = Invert(Logit())
    >>> z, log_det = layer(np.zeros([2, 3], "float32"))
    >>> z.numpy().tolist()[0]
    [0.5, 0.5, 0.5]
    """

    def __init__(self, layer: BijectorLayer, **kwargs):
        super().__init__(**kwargs)
        [self.layer] = checked_layers("layer", [layer])

    @property
    def uses_condition(self) -> bool:
        return self.layer.uses_condition

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        super().build(x_shape, condition_shape)
        if not self.layer.built:
            self.layer.build(x_shape, condition_shape)
        if self.layer.latent_shape != self.event_shape:
            raise ValueError(
                "`Invert` expected a layer that keeps the event shape. "
                f"Received: {type(self.layer).__name__}, which takes {self.event_shape} to "
                f"{self.layer.latent_shape}."
            )

    def forward_and_log_det(
        self, x: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return self.layer.inverse_and_log_det(x, condition)

    def inverse_and_log_det(
        self, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return self.layer(z, condition=condition)

    def get_config(self) -> dict:
        return super().get_config() | {"layer": keras.saving.serialize_keras_object(self.layer)}
