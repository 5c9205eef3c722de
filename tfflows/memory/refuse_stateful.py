"""Which layers can be run twice."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfflows.named import named


def refuse_stateful(
    layer: keras.layers.Layer, x_shape: tuple, condition_shape: tuple | None, memory: str
) -> None:
    """Raises a ValueError if calling a layer in training changes its state, is random, adds losses.

    The memory modes run a layer again in the backward pass. Dropout would then drop others, and
    moving statistics would move twice; losses that are added inside of "recompute" get no
    gradients. Found by calling the layer, without keeping the changes, twice if it may be random
    without a state; with weights off their start, where what a network gives may be multiplied by
    zero.

    Args:
      layer: a built `BijectorLayer`.
      x_shape, condition_shape: as it was built with.
      memory: the mode that asks, for the message.

    >>> dropping = Coupling("half", MLP([8], dropout=0.1, name="network"), name="coupling")
    >>> dropping.build((None, 2))
    >>> refuse_stateful(dropping, (None, 2), None, "recompute")
    Traceback (most recent call last):
    ...
    ValueError: Layer 'coupling' (Coupling) cannot be in a chain with memory='recompute': ...
    """
    with tf.init_scope():
        arguments = _some(layer, x_shape), _some(layer, condition_shape)
        moved = [(weight, weight + 0.1) for weight in layer.trainable_variables]
        outputs = []
        for _ in range(2 if any(map(_may_hide_noise, layer._flatten_layers())) else 1):
            with keras.StatelessScope(moved, collect_losses=True) as scope:
                outputs += layer(arguments[0], condition=arguments[1], training=True)
    others = layer.non_trainable_variables
    changed = [variable for variable in others if scope.get_current_value(variable) is not None]
    where = f"{named(layer)} cannot be in a chain with "
    if changed:
        owners = dict.fromkeys(_owner(layer, variable) for variable in changed)
        raise ValueError(
            f"{where}memory={memory!r}: a call in training changes its state, and the backward "
            "pass would call it again. Dropout and statistics of batches need memory=None. "
            f"Received: a layer with {', '.join(owners)}."
        )
    if scope.losses and memory == "recompute":
        raise ValueError(
            f"{where}memory={memory!r}: a call in training adds a loss, whose gradients would be "
            "lost. Activity regularizers and `add_loss` need memory=None or 'reversible'. "
            f"Received: a layer that adds {len(scope.losses)}."
        )
    pairs = zip(outputs[:2], outputs[2:])
    if not all(np.allclose(*pair, 1e-3, 1e-5, equal_nan=True) for pair in pairs):
        raise ValueError(
            f"{where}memory={memory!r}: it is random in training, and the backward pass would draw "
            "again. Dropout needs memory=None. Received: a layer that gives two results for the "
            "same input."
        )


def _may_hide_noise(layer):
    """Whether it is somebody's own: layers of ours and of Keras keep seeds, which change."""
    module = type(layer).__module__.partition(".")[0]
    return module not in ("tfflows", "keras") or isinstance(layer, keras.layers.Lambda)


def _owner(layer, variable):
    """The innermost layer inside `layer` that has the variable, for the message."""
    parts = [part for part in layer._flatten_layers() if any(v is variable for v in part.variables)]
    owner = min(reversed(parts), key=lambda part: len(part.variables))  # outer layers come first
    return f"{owner.name} ({type(owner).__name__})"


def _some(layer, shape):
    """Numbers between 0 and 1, in which all layers take an interest; None for no condition."""
    if shape is None:
        return None
    shape = [2, *(1 if size is None else size for size in shape[1:])]
    return tf.random.stateless_uniform(shape, [0, 1], dtype=layer.flow_dtype)
