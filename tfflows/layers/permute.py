"""Permutations of the last axis."""

from __future__ import annotations

import random
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfflows.bijector_layer import BijectorLayer
from tfflows.permute_last_axis import permute_last_axis


@keras.saving.register_keras_serializable("tfflows")
class Permute(BijectorLayer):
    """`z[..., i] = x[..., permutation[i]]`, log-determinant zero.

    Args:
      permutation: "reverse", "random", or the indices 0 to D-1 in any order.
      seed: seed of a random permutation; drawn, and kept in the config, if None.
      **kwargs: those of `keras.layers.Layer`.

    >>> Permute("reverse")(np.array([[1.0, 2.0, 3.0]]))[0].numpy().tolist()
    [[3.0, 2.0, 1.0]]
    """

    def __init__(
        self, permutation: str | Sequence[int] = "reverse", seed: int | None = None, **kwargs
    ):
        super().__init__(**kwargs)
        is_name = isinstance(permutation, str)
        if is_name and permutation not in ("reverse", "random"):
            raise ValueError(
                '`permutation` should be "reverse", "random", or a list of indices. '
                f"Received: permutation={permutation!r}."
            )
        self.permutation = permutation if is_name else tuple(int(i) for i in permutation)
        if seed is None and self.permutation == "random":
            seed = random.randint(1, 10**9)  # as Keras: by `keras.utils.set_random_seed`
        self.seed = seed

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        super().build(x_shape, condition_shape)
        size = x_shape[-1]
        if self.permutation == "reverse":
            self.indices = np.arange(size)[::-1]
        elif self.permutation == "random":
            # RandomState, whose streams are frozen: a seed means the same permutation for ever.
            self.indices = np.random.RandomState(self.seed).permutation(size)
        elif sorted(self.permutation) == list(range(size)):
            self.indices = np.asarray(self.permutation)
        else:
            raise ValueError(
                f"`permutation` should hold each of 0 to {size - 1} once for {size} elements on "
                f"the last axis. Received: permutation={self.permutation}."
            )

    def forward_and_log_det(
        self, x: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return permute_last_axis(x, self.indices), self.constant_log_det(x, 0.0)

    def inverse_and_log_det(
        self, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return permute_last_axis(z, np.argsort(self.indices)), self.constant_log_det(z, 0.0)

    def get_config(self) -> dict:
        return super().get_config() | {"permutation": self.permutation, "seed": self.seed}
