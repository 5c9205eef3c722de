"""Distributions and bijectors of TensorFlow Probability in a config."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_probability import bijectors as tfb
from tensorflow_probability import distributions as tfd

KINDS = {"distribution": (tfd, tfd.Distribution), "bijector": (tfb, tfb.Bijector)}


def serialize(value: Any, name: str = "value") -> Any:
    """A distribution or bijector as JSON: the name of its class in TFP, and its parameters.

    Args:
      value: one of a class of `tfp.distributions` or `tfp.bijectors`, made of numbers, strings,
        tensors of numbers, dtypes, others such as itself, and lists of these.
      name: what the error calls it.

    Raises:
      ValueError: a class is not of these modules, or a parameter is something else: a function.

    >>> serialize(tfb.Scale(2.0))
    {'bijector': 'Scale', 'parameters': {'scale': 2.0, 'validate_args': False, 'name': 'scale'}}
    """
    for kind, (module, base) in KINDS.items():
        if isinstance(value, base):
            # TFP makes a `_Chain` instead of a `Chain`, if not all inside are composite tensors.
            class_name = type(value).__name__.removeprefix("_")
            if type(value) in getattr(getattr(module, class_name, None), "__mro__", ()):
                return {kind: class_name, "parameters": _serialized_parameters(value, class_name)}
    array = tf.get_static_value(value) if isinstance(value, tf.Tensor) else value
    if isinstance(array, (np.ndarray, np.generic)) and array.dtype.kind in "biuf":
        return {"array": array.tolist(), "dtype": array.dtype.name}
    if isinstance(value, tf.DType):
        return {"dtype": value.name}
    if isinstance(value, (list, tuple)):
        return [serialize(v, name) for v in value]
    if isinstance(value, (bool, int, float, str)) and not isinstance(value, np.generic):
        return value
    raise ValueError(
        f"`{name}` should be made of numbers, tensors, and distributions and bijectors of "
        "TensorFlow Probability's own classes, to be saved by their names. "
        f"Received: {name} of type {type(value).__name__}."
    )


def _serialized_parameters(value, class_name):
    given = value.parameters or {}
    defaults = inspect.signature(type(value).__init__).parameters
    return {
        k: serialize(v, f"{class_name}.{k}")
        for k, v in given.items()
        # A function that is the default need not be saved.
        if v is not None and not (callable(v) and k in defaults and v is defaults[k].default)
    }


def deserialize(config: Any) -> Any:
    """What `serialize` has made the config of; nothing but classes of TFP's two modules is made.

    >>> float(deserialize({"bijector": "Scale", "parameters": {"scale": 2.0}}).forward(3.0))
    6.0

    Raises:
      ValueError: the config asks for anything else.
    """
    if isinstance(config, list):
        return [deserialize(v) for v in config]
    if not isinstance(config, dict):
        return config
    if "array" in config:
        return tf.constant(config["array"], config["dtype"])
    if "dtype" in config:
        return tf.as_dtype(config["dtype"])
    for kind, (module, base) in KINDS.items():
        cls = getattr(module, str(config.get(kind)), None)
        if isinstance(cls, type) and issubclass(cls, base):
            return cls(**{k: deserialize(v) for k, v in config.get("parameters", {}).items()})
    named = {key: value for key, value in config.items() if key != "parameters"}
    raise ValueError(
        "The config should name distributions of `tfp.distributions` and bijectors of "
        f"`tfp.bijectors` only. Received: {named}."
    )


def check_fixed(layer: str, fixed: Any, kind: str, cure: str) -> None:
    """Raises a ValueError for anything but a distribution or bijector that a layer can hold.

    That is one without variables, which can be saved and made again.

    Args:
      layer: the class of the layer, for the message.
      fixed: the distribution or bijector.
      kind: which of them it should be.
      cure: what to do in order to train its variables, for the message.
    """
    base, given = KINDS[kind][1], type(fixed).__name__
    if not isinstance(fixed, base):
        raise ValueError(f"`{layer}` expected a TFP `{base.__name__}`. Received: {given}.")
    if fixed.variables:
        raise ValueError(
            f"`{layer}` expected a {kind} without variables: they would not be weights of Keras, "
            f"and so neither trained nor saved. To train them, {cure}; to keep them as they are, "
            f"give tensors. Received: {given} with variables {[v.name for v in fixed.variables]}."
        )
    config = serialize(fixed, "fixed")
    try:
        deserialize(config)
    except Exception as error:  # whatever a constructor of TFP's raises
        raise ValueError(
            f"`{layer}` expected a {kind} that can be made again of what TFP says that its "
            f"parameters are. Received: {given}, with which this fails: {error}"
        ) from error
