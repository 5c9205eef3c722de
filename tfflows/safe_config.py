"""What a saved config may ask to be made."""

from __future__ import annotations

import sys
from typing import Any

import keras
from keras.saving import get_registered_object

KERAS_MODULES = (
    *("keras", "keras.layers", "keras.initializers", "keras.regularizers", "keras.constraints"),
    "keras.ops",
)
FUNCTIONAL = ("keras.src.models.functional", "Functional", "Functional")  # keras.Model(inputs, ...)
OPERATION_MODULES = ("keras.src.ops.numpy", "keras.src.ops.nn")  # `x + h` between such inputs
REFUSED = (
    *("Lambda", "__lambda__", "TorchModuleWrapper", "FlaxLayer", "JaxLayer", "TFSMLayer"),
    *("StringLookup", "IntegerLookup", "TextVectorization"),  # their vocabulary may be a file
)


def check_config(config: Any) -> None:
    """Raises a ValueError for a config that names anything but classes of ours and of Keras.

    Deserializing would import whatever module a config names; so it is looked through first. Paths
    are refused too: no config of ours has a use for one.
    """
    if isinstance(config, list):
        for item in config:
            check_config(item)
    elif isinstance(config, dict):
        if "class_name" in config:
            _check_object(config)
        for item in config.values():
            check_config(item)
    elif isinstance(config, str) and _is_path(config):
        raise ValueError(f"The config should name no file. Received: {config!r}.")


def _is_operation(module, name):
    made = getattr(sys.modules[module], name, None)
    is_class = isinstance(made, type) and made.__module__ == module
    return is_class and issubclass(made, keras.Operation)


def _is_path(text):
    parts = text.replace("\\", "/").split("/")
    return parts[0] in ("", "~") and len(parts) > 1 or ".." in parts or parts[0].endswith(":")


def _check_object(config):
    name, registered = config["class_name"], config.get("registered_name")
    module = config.get("module")
    if registered is not None and str(registered).startswith("tfflows>"):
        # Where there is no module, Keras goes by the name of the class.
        if registered == f"tfflows>{name}" and get_registered_object(registered) is not None:
            return
    elif name in ("__tuple__", "__ellipsis__", "__keras_tensor__"):
        return
    elif (module, name, registered) == FUNCTIONAL:
        return
    elif module in OPERATION_MODULES and registered == name and _is_operation(module, name):
        return
    elif module in KERAS_MODULES and name not in REFUSED and registered in (None, name):
        return
    raise ValueError(
        "The config should name classes of tfflows and of Keras's layers only. "
        f"Received: class_name={name!r}, module={module!r}, registered_name={registered!r}."
    )
