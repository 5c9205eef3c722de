"""The multi-scale architecture, as one bijector."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfflows.bijector_layer import BijectorLayer, shape_text
from tfflows.data_types import TensorLike
from tfflows.layers.checked_layers import checked_layers
from tfflows.masks import Half
from tfflows.named import named


@keras.saving.register_keras_serializable("tfflows")
class MultiScale(BijectorLayer):
    """Levels one after another, half the channels factored out between them.

    Dinh et al. 2017, section 3.6, equations 13 to 16. After each level but the last, the first
    half of the channels goes on and the second half is done. Nothing is dropped: the latent is
    flat, `[batch, height width channels]`, what level 1 factored out first, the last level's
    output last.

    A level that ends with `Coupling("channel", ...)` transforms the half that is factored out
    given the half that goes on: Glow's learned conditional prior.

    Args:
      levels: `BijectorLayer`s on images, usually `Chain`s, the one that sees the data first.
      **kwargs: those of `keras.layers.Layer`.

    >>> layer = MultiScale([Squeeze(), Squeeze()])
    >>> z, log_det = layer(np.ones([2, 8, 8, 1], "float32"))
    >>> z.shape, [tuple(part.shape[1:]) for part in layer.split_latent(z)]
    (TensorShape([2, 64]), [(4, 4, 2), (2, 2, 8)])
    """

    def __init__(self, levels: Sequence[BijectorLayer], **kwargs):
        super().__init__(**kwargs)
        self.levels = checked_layers("levels", levels)
        names = [level.name for level in self.levels]
        if not names or len(set(names)) < len(names):
            raise ValueError(
                "`levels` should be one or more layers with different names. "
                f"Received: layers named {names}."
            )

    @property
    def uses_condition(self) -> bool:
        return any(level.uses_condition for level in self.levels)

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        super().build(x_shape, condition_shape)
        self._part_shapes(x_shape)
        for i, level in enumerate(self.levels):
            if not level.built:
                level.build(x_shape, self._own(level, condition_shape))
            x_shape = self._half(i, level.compute_output_shape(x_shape))

    def forward_and_log_det(
        self, x: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        parts, total = [], self.constant_log_det(x, 0.0)
        for i, level in enumerate(self.levels):
            x, log_det = level(x, condition=self._own(level, condition))
            total = total + log_det
            if not self._is_last(i):
                x, out = self._split(x)
                parts.append(out)
        return self.join_latent([*parts, x]), total

    def inverse_and_log_det(
        self, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        *parts, x = self.split_latent(z)
        total = self.constant_log_det(z, 0.0)
        for i, level in reversed(list(enumerate(self.levels))):
            if not self._is_last(i):
                x = tf.concat([x, parts[i]], -1)
            x, log_det = level.inverse_and_log_det(x, self._own(level, condition))
            total = total + log_det
        return x, total

    def split_latent(self, z: tf.Tensor) -> list[tf.Tensor]:
        """The latent's parts in image shapes, one a level, the finest first.

        Args:
          z: `[batch, D]`.
        """
        shapes = self._part_shapes((None, *self.event_shape))
        parts = tf.split(z, [math.prod(shape) for shape in shapes], -1)
        return [tf.reshape(part, [-1, *shape]) for part, shape in zip(parts, shapes)]

    def join_latent(self, parts: Sequence[tf.Tensor]) -> tf.Tensor:
        """Undoes `split_latent`: `[batch, D]`; ValueError for parts of other shapes."""
        expected = self._part_shapes((None, *self.event_shape))
        if [tuple(np.shape(part)[1:]) for part in parts] != [tuple(each) for each in expected]:
            raise ValueError(
                f"{named(self)} expected parts of the shapes that `split_latent` gives, "
                f"{', '.join(shape_text(each) for each in expected)}. Received: shapes "
                f"{', '.join(str(tuple(np.shape(part))) for part in parts)}."
            )
        parts = [tf.cast(part, self.flow_dtype) for part in parts]
        return tf.concat([tf.reshape(p, [-1, math.prod(p.shape[1:])]) for p in parts], -1)

    def adapt(self, x: TensorLike, condition: TensorLike | None = None) -> None:
        self.prepare(x, condition)
        for i, level in enumerate(self.levels):
            own = self._own(level, condition)
            if not level.adapted:
                level.adapt(x, own)
            if not self._is_last(i):
                x, _ = self._split(level(x, condition=own)[0])

    @property
    def adapted(self) -> bool:
        return all(level.adapted for level in self.levels)

    def compute_output_shape(self, x_shape: tuple, condition_shape: tuple | None = None) -> tuple:
        return (x_shape[0], sum(math.prod(shape) for shape in self._part_shapes(x_shape)))

    def _part_shapes(self, x_shape):
        """Shapes of the parts of the latent, without the batch axis."""
        shapes = []
        for i, level in enumerate(self.levels):
            out = level.compute_output_shape(x_shape)
            x_shape = self._half(i, out)
            shapes.append(out[1:] if self._is_last(i) else (*out[1:-1], out[-1] - x_shape[-1]))
        return shapes

    def _half(self, i, shape):
        """The shape of what goes on after level `i`."""
        if self._is_last(i):
            return shape
        if len(shape) != 4 or shape[-1] < 2:
            raise ValueError(
                "`MultiScale` expected images with at least 2 channels after each level but the "
                f"last. Received: shape {tuple(shape)} after level {i + 1}."
            )
        return (*shape[:-1], shape[-1] - Half().num_changed(shape[-1]))

    def _is_last(self, i):
        return i == len(self.levels) - 1

    @staticmethod
    def _split(x):
        return Half().split(x)

    @staticmethod
    def _own(level, condition):
        return condition if level.uses_condition else None

    def get_config(self) -> dict:
        return super().get_config() | {
            "levels": [keras.saving.serialize_keras_object(level) for level in self.levels]
        }
