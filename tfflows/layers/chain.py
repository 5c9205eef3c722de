"""Layers one after another."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from tfflows.bijector_layer import BijectorLayer
from tfflows.data_types import TensorLike
from tfflows.layers.checked_layers import checked_layers
from tfflows.memory import Step, recompute, refuse_stateful, reversible, run

MEMORY = {None: run, "recompute": recompute, "reversible": reversible}


@keras.saving.register_keras_serializable("tfflows")
class Chain(BijectorLayer):
    """Layers in data-to-latent order; log-determinants add up.

    Rezende and Mohamed 2015, equation 7. A condition reaches the layers that can use one.

    What the backward pass needs can be kept, or computed once more, in either direction:

    * `memory=None` keeps all that the layers compute inside;
    * "recompute" keeps what goes into each segment, a layer with a network and what is cheap before
      it, and computes segments a second time; gradients are the same;
    * "reversible" keeps the chain's input and output only, and rebuilds what lies between by the
      inverses of the layers; gradients are as exact as these. The error of the rebuilt input is
      measured in each step; a relative error beyond 1e-3 stops training.

    The two need layers that a call in training leaves as they are: no dropout, no statistics of
    batches; "recompute" also no losses that layers add. Within a `tf.function` neither gives
    gradients of a bound of several importance samples, whose loop TensorFlow cannot differentiate
    then. "reversible" leaves XLA out of `jit_compile="auto"`, since XLA drops the check.

    Args:
      layers: `BijectorLayer`s, the one that sees the data first.
      memory: None, "recompute" or "reversible".
      **kwargs: those of `keras.layers.Layer`.

    >>> chain = Chain([ActNorm(), Coupling("half", MLP([32])), Permute("reverse")])
    >>> z, log_det = chain(np.random.default_rng(0).normal(size=[8, 4]).astype("float32"))
    >>> x, _ = chain.inverse_and_log_det(tf.identity(z))
    """

    def __init__(self, layers: Sequence[BijectorLayer], memory: str | None = None, **kwargs):
        super().__init__(**kwargs)
        if memory not in MEMORY:
            raise ValueError(
                f'`memory` should be None, "recompute" or "reversible". Received: {memory!r}.'
            )
        self.memory = memory
        self.supports_jit = memory != "reversible"
        self.layers = checked_layers("layers", layers)
        if len({layer.name for layer in self.layers}) < len(self.layers):
            names = [layer.name for layer in self.layers]
            raise ValueError(f"The layers of a chain need different names. Received: {names}.")

    @property
    def uses_condition(self) -> bool:
        return any(layer.uses_condition for layer in self.layers)

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        super().build(x_shape, condition_shape)
        for layer in self.layers:
            own = condition_shape if layer.uses_condition else None
            if not layer.built:
                layer.build(x_shape, own)
            if self.memory is not None:
                refuse_stateful(layer, x_shape, own, self.memory)
            x_shape = layer.compute_output_shape(x_shape)

    def forward_and_log_det(
        self, x: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return MEMORY[self.memory](self._steps(), x, condition)

    def inverse_and_log_det(
        self, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        steps = [step.reversed() for step in reversed(self._steps())]
        return MEMORY[self.memory](steps, z, condition)

    def _steps(self):
        return [
            Step(layer, layer.inverse_and_log_det, layer.uses_condition) for layer in self.layers
        ]

    def adapt(self, x: TensorLike, condition: TensorLike | None = None) -> None:
        self.prepare(x, condition)
        for layer in self.layers:
            own = condition if layer.uses_condition else None
            if not layer.adapted:
                layer.adapt(x, own)
            x, _ = layer(x, condition=own)

    @property
    def adapted(self) -> bool:
        return all(layer.adapted for layer in self.layers)

    def compute_output_shape(self, x_shape: tuple, condition_shape: tuple | None = None) -> tuple:
        for layer in self.layers:
            x_shape = layer.compute_output_shape(x_shape)
        return tuple(x_shape)

    def get_config(self) -> dict:
        return super().get_config() | {
            "layers": [keras.saving.serialize_keras_object(layer) for layer in self.layers],
            "memory": self.memory,
        }
