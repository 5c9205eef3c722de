"""The block of PixelCNN++."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from tfflows.networks.causal_convolution import CausalConvolution
from tfflows.networks.concat_elu import concat_elu
from tfflows.networks.dropout_mask import DropoutMask
from tfflows.networks.glu import glu
from tfflows.networks.run import plain
from tfflows.networks.weight_normalized_dense import WeightNormalizedDense


@keras.saving.register_keras_serializable("tfflows")
class CausalBlock(keras.layers.Layer):
    """A gated residual block of two causal convolutions: `[batch, h, w, units]`, shape kept.

    Salimans et al. 2017, section 2.4, and their code: `h + a sigmoid(b)`, with `(a, b)` the second
    convolution of `concat_elu` of the first of `concat_elu(h)`. To the first are added 1x1
    convolutions of what comes from elsewhere; to the second a projection of the condition.

    Args:
      units: channels.
      kernel_size, stream: those of `CausalConvolution`.
      has_side: whether the block of the other stream is seen.
      has_skip: whether the features of an earlier block are.
      dropout: share of features dropped in training, before the second convolution.
      **kwargs: those of `keras.layers.Layer`.

    >>> CausalBlock(4, (2, 3))(np.ones([2, 8, 8, 4], "float32")).shape
    TensorShape([2, 8, 8, 4])
    """

    def __init__(
        self,
        units: int,
        kernel_size: tuple[int, int] = (2, 3),
        stream: str = "down",
        has_side: bool = False,
        has_skip: bool = False,
        dropout: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = units
        self.kernel_size = tuple(kernel_size)
        self.stream = stream
        self.has_side = has_side
        self.has_skip = has_skip
        self.dropout = dropout
        policy = self.dtype_policy
        self.first = CausalConvolution(units, kernel_size, stream, name="first", dtype=policy)
        self.second = CausalConvolution(
            2 * units, kernel_size, stream, initial_scale=0.1, name="second", dtype=policy
        )
        self.side = self.skip = self.condition = None
        if has_side:
            self.side = WeightNormalizedDense(units, name="side", dtype=policy)
        if has_skip:
            self.skip = WeightNormalizedDense(units, name="skip", dtype=policy)
        self.mask = DropoutMask(dropout, 2 * units, name="dropout", dtype=policy)

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        doubled = (*x_shape[:-1], 2 * self.units)
        for layer in (self.first, self.second, self.side, self.skip):
            if layer is not None:
                layer.build(doubled)
        if condition_shape is not None:
            self.condition = keras.layers.Dense(
                2 * self.units, use_bias=False, name="condition", dtype=self.dtype_policy
            )
            self.condition.build(condition_shape)

    def call(
        self,
        x: tf.Tensor,
        side: tf.Tensor | None = None,
        skip: tf.Tensor | None = None,
        condition: tf.Tensor | None = None,
    ) -> tf.Tensor:
        return self.forward(x, side, skip, self.project(condition), plain)

    def project(self, condition: tf.Tensor | None) -> tf.Tensor | None:
        """What the condition gives to the second convolution, `[batch, 2 units]`, or None."""
        return None if condition is None else self.condition(condition)

    def forward(
        self,
        x: tf.Tensor,
        side: tf.Tensor | None,
        skip: tf.Tensor | None,
        condition: tf.Tensor | None,
        run: Callable,
        drops: bool = True,
    ) -> tf.Tensor:
        """`call`, with a way to `run` each layer, and the condition projected.

        Samplers never drop, not in training either.
        """
        h = run(self.first, x, concat_elu)
        if side is not None:
            h += run(self.side, side, concat_elu)
        if skip is not None:
            h += run(self.skip, skip, concat_elu)
        kept = self.mask(h) if drops else None
        h = run(self.second, h, lambda h: self.mask.drop(concat_elu(h), kept))
        if condition is not None:
            h += tf.reshape(condition, [-1, *[1] * (h.shape.rank - 2), 2 * self.units])
        return x + glu(h)

    def compute_output_shape(self, x_shape: tuple, condition_shape: tuple | None = None) -> tuple:
        return tuple(x_shape)

    def get_config(self) -> dict:
        names = ["units", "kernel_size", "stream", "has_side", "has_skip", "dropout"]
        return super().get_config() | {name: getattr(self, name) for name in names}
