"""Names for the small parts that a layer is made of."""

from __future__ import annotations

from typing import Any

import keras


def resolve(identifier: Any, known: dict, base: type, argument: str) -> Any:
    """The object that an argument names: an instance, a serialized one, or a short name.

    Args:
      identifier: an instance of `base`, its serialized config, or a key of `known`.
      known: short names and what makes the object of that name.
      base: the class that the object must be of.
      argument: name of the argument, for the error.

    >>> from tfflows.families import Affine, Family
    >>> resolve("affine", {"affine": Affine}, Family, "family").max_log_scale
    5.0
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, str) and identifier in known:
        return known[identifier]()
    if isinstance(identifier, base):
        return identifier
    raise ValueError(
        f"`{argument}` should be one of {sorted(known)} or an instance of `{base.__name__}`. "
        f"Received: {argument}={identifier!r}."
    )
