"""The normalizations that a model may put before its layers."""

from __future__ import annotations

import keras

from tfflows.bijector_layer import BijectorLayer
from tfflows.layers import ActNorm, BatchNormalization

NORMALIZATIONS = {"act": ActNorm, "batch": BatchNormalization}


def normalization_before(
    kind: str | None, index: int, dtype: str | keras.DTypePolicy | None
) -> list[BijectorLayer]:
    """The normalization before layer `index`: a list of one, or of none if `kind` is None.

    >>> [layer.name for layer in normalization_before("act", 3, "float32")]
    ['normalization_3']
    """
    if kind is None:
        return []
    if kind not in NORMALIZATIONS:
        raise ValueError(
            f"`normalization` should be None or one of {sorted(NORMALIZATIONS)}. "
            f"Received: normalization={kind!r}."
        )
    return [NORMALIZATIONS[kind](name=f"normalization_{index}", dtype=dtype)]
