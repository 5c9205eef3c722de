"""What a saved config may ask to be made."""

from __future__ import annotations

from keras.saving import get_registered_object

KERAS_MODULES = ("keras", "keras.layers", "keras.initializers", "keras.regularizers", "keras.ops")
REFUSED = ("Lambda", "TorchModuleWrapper", "FlaxLayer", "JaxLayer", "TFSMLayer")


def check_config(config) -> None:
    """Raises a ValueError for a config that names anything but classes of ours and of Keras.

    Deserializing would import whatever module a config names; so it is looked through first.
    """
    if isinstance(config, list):
        for item in config:
            check_config(item)
    elif isinstance(config, dict):
        if "class_name" in config:
            _check_object(config)
        for item in config.values():
            check_config(item)


def _check_object(config):
    name, registered = config["class_name"], config.get("registered_name")
    module = config.get("module")
    if registered is not None and str(registered).startswith("tfflows>"):
        if get_registered_object(registered) is not None:
            return
    elif name in ("__tuple__", "__ellipsis__"):
        return
    elif name == "DTypePolicy" or (module in KERAS_MODULES and name not in REFUSED):
        if module in KERAS_MODULES and registered in (None, name):
            return
    raise ValueError(
        "The config should name classes of tfflows and of Keras's layers only. "
        f"Received: class_name={name!r}, module={module!r}, registered_name={registered!r}."
    )
