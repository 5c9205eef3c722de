"""How a coupling halves its input."""

from __future__ import annotations

import tensorflow as tf


class Mask:
    """Splits a tensor into what the network sees and what is transformed.

    Args:
      swap: transforms the other half.

    >>> mask = Half().swapped()
    >>> mask.swap, mask.num_changed(5)
    (True, 3)
    """

    def __init__(self, swap: bool = False):
        self.swap = swap

    def split(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """`(kept, changed)`: what the network sees, and the elements to be transformed.

        Args:
          x: `[batch, ..., channels]`.

        Returns:
          Two tensors of that rank; their sizes are the mask's own matter.
        """
        raise NotImplementedError

    def merge(self, kept: tf.Tensor, changed: tf.Tensor) -> tf.Tensor:
        """Undoes `split`: `[batch, ..., channels]` again, of `kept` and a `changed`."""
        raise NotImplementedError

    def num_changed(self, channels: int) -> int:
        """How many elements of a last axis of this size are transformed at each position."""
        raise NotImplementedError

    def check_event(self, event_shape: tuple) -> None:
        """Raises a ValueError for events that cannot be split."""
        if not event_shape or event_shape[-1] < 2:
            raise ValueError(
                "A coupling expected at least 2 elements on the last axis, to split them. "
                f"Received: event shape {event_shape}."
            )

    def select(self, parameters: tf.Tensor) -> tf.Tensor:
        """Of parameters `[..., num_changed, p]` at each position, those of `changed`."""
        return parameters

    def swapped(self, swap: bool = True) -> Mask:
        """A new mask: of the other half, or (False) of the same."""
        return type(self).from_config(self.get_config() | {"swap": self.swap != swap})

    def get_config(self) -> dict:
        return {"swap": self.swap}

    @classmethod
    def from_config(cls, config: dict) -> Mask:
        return cls(**config)
