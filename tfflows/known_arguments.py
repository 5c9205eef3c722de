"""Configs of a newer Keras, as this one takes them."""

from __future__ import annotations

import inspect
from typing import Any

import keras


def with_known_arguments(config: Any) -> Any:
    """The config without arguments of initializers that this Keras does not know and that are None.

    A newer Keras writes all the arguments it has; one that is None asks for nothing. Others stay,
    for Keras to refuse.

    >>> config = keras.saving.serialize_keras_object(keras.initializers.GlorotUniform(seed=1))
    >>> config["config"]["of_a_newer_keras"] = None
    >>> keras.saving.deserialize_keras_object(with_known_arguments(config)).seed
    1
    """
    if isinstance(config, (list, tuple)):
        return type(config)(with_known_arguments(item) for item in config)
    if not isinstance(config, dict):
        return config
    config = {name: with_known_arguments(value) for name, value in config.items()}
    if config.get("module") == "keras.initializers" and isinstance(config.get("config"), dict):
        initializer = getattr(keras.initializers, config["class_name"], None)
        if inspect.isclass(initializer):
            known = inspect.signature(initializer).parameters
            arguments = config["config"].items()
            config["config"] = {k: v for k, v in arguments if v is not None or k in known}
    return config
