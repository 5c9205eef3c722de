"""How a network runs a layer, on the inputs or on what `before` makes of them."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from tfflows.networks.weight_normalized_dense import WeightNormalizedDense


def identity(inputs: tf.Tensor) -> tf.Tensor:
    return inputs


def plain(layer: keras.layers.Layer, inputs: tf.Tensor, before: Callable = identity) -> tf.Tensor:
    """As it is."""
    return layer(before(inputs))


def recomputing(
    layer: keras.layers.Layer, inputs: tf.Tensor, before: Callable | None = None
) -> tf.Tensor:
    """As it is; what `before` gives is computed again in the backward pass, not kept.

    Activations are cheap to compute and, `concat_elu` doubling them, most of the memory.
    """
    if before is None:
        return layer(inputs)
    return tf.recompute_grad(lambda value: layer(before(value)))(inputs)


def adapting(
    layer: WeightNormalizedDense, inputs: tf.Tensor, before: Callable = identity
) -> tf.Tensor:
    """Once its gain and bias are set from the inputs."""
    return layer.adapt(before(inputs))
