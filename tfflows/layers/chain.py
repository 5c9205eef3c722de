"""Layers one after another."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from tfflows.bijector_layer import BijectorLayer


@keras.saving.register_keras_serializable("tfflows")
class Chain(BijectorLayer):
    """Layers in data-to-latent order; log-determinants add up.

    Rezende and Mohamed 2015, equation 7. A condition reaches the layers that can use one.

    Args:
      layers: `BijectorLayer`s, the one that sees the data first.
      **kwargs: those of `keras.layers.Layer`.

    >>> chain = Chain([ActNorm(), Coupling("half", MLP([32])), Permute("reverse")])
    >>> z, log_det = chain(np.random.default_rng(0).normal(size=[8, 4]).astype("float32"))
    >>> x, _ = chain.inverse_and_log_det(tf.identity(z))
    """

    def __init__(self, layers: Sequence[BijectorLayer], **kwargs):
        super().__init__(**kwargs)
        self.layers = list(layers)
        for layer in self.layers:
            if not isinstance(layer, BijectorLayer):
                raise ValueError(
                    "`layers` should be a list of `BijectorLayer`s. "
                    f"Received: an element of type {type(layer).__name__}."
                )
        if len({layer.name for layer in self.layers}) < len(self.layers):
            names = [layer.name for layer in self.layers]
            raise ValueError(f"The layers of a chain need different names. Received: {names}.")

    @property
    def uses_condition(self) -> bool:
        return any(layer.uses_condition for layer in self.layers)

    def build(self, x_shape, condition_shape=None):
        super().build(x_shape, condition_shape)
        for layer in self.layers:
            if not layer.built:
                layer.build(x_shape, condition_shape if layer.uses_condition else None)
            x_shape = layer.compute_output_shape(x_shape)

    def forward_and_log_det(self, x, condition=None):
        total = self.constant_log_det(x, 0.0)
        for layer in self.layers:
            x, log_det = layer(x, condition=condition if layer.uses_condition else None)
            total = total + log_det
        return x, total

    def inverse_and_log_det(self, z, condition=None):
        total = self.constant_log_det(z, 0.0)
        for layer in reversed(self.layers):
            z, log_det = layer.inverse_and_log_det(z, condition if layer.uses_condition else None)
            total = total + log_det
        return z, total

    def adapt(self, x, condition=None) -> None:
        for layer in self.layers:
            own = condition if layer.uses_condition else None
            if not layer.adapted:
                layer.adapt(x, own)
            x, _ = layer(x, condition=own)

    @property
    def adapted(self) -> bool:
        return all(layer.adapted for layer in self.layers)

    def compute_output_shape(self, x_shape, condition_shape=None):
        for layer in self.layers:
            x_shape = layer.compute_output_shape(x_shape)
        return tuple(x_shape)

    def get_config(self) -> dict:
        return super().get_config() | {
            "layers": [keras.saving.serialize_keras_object(layer) for layer in self.layers]
        }
