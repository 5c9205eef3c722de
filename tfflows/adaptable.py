"""Layers that data initialize."""

from __future__ import annotations

import keras


class Adaptable:
    """Mixin for a layer with an `adapt`, which remembers in a weight that it has been called.

    So it is saved with the others, and a loaded layer does not initialize itself again. `build`
    calls `add_adapted_flag`; `adapt` ends with `self.adapted_flag.assign(1)`.
    """

    def add_adapted_flag(self) -> None:
        self.adapted_flag = self.add_weight(
            shape=(),
            name="adapted",
            initializer="zeros",
            dtype="int32",
            trainable=False,
            aggregation="only_first_replica",
        )

    @property
    def adapted(self) -> bool:
        return self.built and bool(keras.ops.convert_to_numpy(self.adapted_flag))
