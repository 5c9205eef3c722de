"""Which layers can be run twice."""

from __future__ import annotations

import keras
import tensorflow as tf


def refuse_stateful(layer, x_shape, condition_shape, memory: str) -> None:
    """Raises a ValueError if calling a built layer in training changes its state.

    The memory modes run a layer again in the backward pass. Dropout would then drop others, and
    moving statistics would move twice. Found by calling the layer, without keeping the changes.

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
    with tf.init_scope(), keras.StatelessScope() as scope:
        condition = None if condition_shape is None else _zeros(layer, condition_shape)
        layer(_zeros(layer, x_shape), condition=condition, training=True)
    changed = [v for v in layer.variables if scope.get_current_value(v) is not None]
    if changed:
        owners = dict.fromkeys(_owner(layer, variable) for variable in changed)
        raise ValueError(
            f"Layer '{layer.name}' ({type(layer).__name__}) cannot be in a chain with "
            f"memory={memory!r}: a call in training changes its state, and the backward pass would "
            "call it again. Dropout and statistics of batches need memory=None. "
            f"Received: a layer with {', '.join(owners)}."
        )


def _owner(layer, variable):
    """The innermost layer inside `layer` that has the variable, for the message."""
    parts = [part for part in layer._flatten_layers() if any(v is variable for v in part.variables)]
    owner = min(reversed(parts), key=lambda part: len(part.variables))  # outer layers come first
    return f"{owner.name} ({type(owner).__name__})"


def _zeros(layer, shape):
    return tf.zeros([1, *(1 if size is None else size for size in shape[1:])], layer.flow_dtype)
