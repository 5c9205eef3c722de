"""Objects out of a saved config."""

from __future__ import annotations

from typing import Any

import keras


def revived(value: Any) -> Any:
    """A value of a config with every serialized Keras object in it made again.

    >>> revived({"a": 1, "layers": [keras.saving.serialize_keras_object(MLP([4]))]})["a"]
    1
    """
    if isinstance(value, (list, tuple)):
        return type(value)(revived(item) for item in value)
    if not isinstance(value, dict):
        return value
    if "class_name" in value:
        return keras.saving.deserialize_keras_object(value)
    return {key: revived(item) for key, item in value.items()}
