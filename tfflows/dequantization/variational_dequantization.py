"""Noise that a flow learns to give each image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import tensorflow as tf

from tfflows.bijector_layer import BijectorLayer
from tfflows.data_types import TensorLike
from tfflows.dequantization.dequantization import Dequantization
from tfflows.of_any_batch import of_any_batch
from tfflows.revived import revived
from tfflows.stateless_noise import stateless_noise
from tfflows.stateless_seed import stateless_seed


@keras.saving.register_keras_serializable("tfflows")
class VariationalDequantization(Dequantization):
    """`u = Phi(flow(eps))`, `eps` standard normal, the flow conditional on `y`.

    Ho et al. 2019, section 3.1, equations 11 and 12: the noise that makes the bound tightest is
    learned with the model, by the same loss. `Phi` is the normal distribution function, not the
    paper's sigmoid: where the flow is the identity, as a chain of couplings is at first, `u` is
    uniform, and the model starts as one with `UniformDequantization`.

    The flow is taken in its cheap direction, from `eps` in the place of data to what `Phi` is
    applied to: `log q = log N(eps) - log|det du/deps| - sum(log(bin_width))`.

    Args:
      flow: a `BijectorLayer` from the shape of the data to the same. One that begins with
        `Squeeze` ends with `Unsqueeze`.
      network: any Keras layer, from `y` scaled to [-1, 1] to the condition of the flow, in the
        resolution that the flow's couplings work at; None: the scaled `y` itself.
      bin_width, centered: those of `Dequantization`.
      num_levels: that of `Dequantization`; None: `y / bin_width` is not scaled for the network.
      **kwargs: those of `keras.layers.Layer`.

    >>> flow = Chain([Coupling("checkerboard", ConvNet((8, 8)), name="coupling")])
    >>> x, log_q = VariationalDequantization(flow)(np.zeros([2, 4, 4, 1], "uint8"), seed=0)
    >>> x.shape, log_q.numpy().tolist()
    (TensorShape([2, 4, 4, 1]), [0.0, 0.0])
    """

    def __init__(
        self,
        flow: BijectorLayer,
        network: keras.layers.Layer | None = None,
        bin_width: float | Sequence[float] = 1.0,
        centered: bool = False,
        num_levels: int | None = 256,
        **kwargs,
    ):
        super().__init__(bin_width, centered, num_levels, **kwargs)
        if not isinstance(flow, BijectorLayer):
            raise ValueError(
                f"`flow` should be a `BijectorLayer`. Received: {type(flow).__name__}."
            )
        self.flow = flow
        self.network = network

    def build(self, y_shape: tuple) -> None:
        context_shape = y_shape = (None, *y_shape[1:])
        if self.network is not None:
            # Called, not asked: it need have neither `build` nor `compute_output_shape`.
            context = self.network(keras.KerasTensor(y_shape, self.flow_dtype))
            context_shape = (None, *context.shape[1:])
        if not self.flow.built:
            self.flow.build(y_shape, context_shape if self.flow.uses_condition else None)
        if self.flow.latent_shape != self.flow.event_shape:
            raise ValueError(
                "`flow` should keep the shape of the data. Received: a flow that takes "
                f"{self.flow.event_shape} to {self.flow.latent_shape}."
            )

    def adapt(self, y: TensorLike, seed: TensorLike | None = None) -> None:
        y = tf.cast(y, self.flow_dtype)
        eps = self._eps(y, stateless_seed(seed, self.seed_generator))
        self.flow.adapt(eps, self._context(y))

    @property
    def adapted(self) -> bool:
        return self.flow.adapted

    def _eps(self, y, seed):
        eps = stateless_noise(tf.random.stateless_normal, tf.shape(y), seed, dtype=y.dtype)
        return tf.ensure_shape(eps, y.shape)

    def _noise(self, y, seed):
        eps = self._eps(y, seed)
        v, log_det = self.flow(eps, condition=self._context(y))
        # Of N(eps) and of Phi's derivative N(v), the constants cancel.
        log_ratio = tf.reduce_sum(tf.square(v) - tf.square(eps), range(1, y.shape.rank)) / 2
        return tf.math.erfc(v * -math.sqrt(0.5)) / 2, log_ratio - log_det

    def _context(self, y):
        if not self.flow.uses_condition:
            return None
        scaled = y / tf.constant(self.bin_width, y.dtype)
        if self.num_levels is not None:
            scaled = scaled * (2 / (self.num_levels - 1)) - 1
        return scaled if self.network is None else of_any_batch(self.network, scaled)

    def get_config(self) -> dict:
        network = self.network
        return super().get_config() | {
            "flow": keras.saving.serialize_keras_object(self.flow),
            "network": None if network is None else keras.saving.serialize_keras_object(network),
        }

    @classmethod
    def from_config(cls, config: dict) -> VariationalDequantization:
        return cls(**revived(config))
