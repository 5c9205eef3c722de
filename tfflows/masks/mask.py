"""How a coupling halves its input."""

from __future__ import annotations


class Mask:
    """Splits a tensor into what the network sees and what is transformed.

    Args:
      swap: transforms the other half.
    """

    def __init__(self, swap: bool = False):
        self.swap = swap

    def split(self, x):
        """`(kept, changed)`: what the network sees, and the elements to be transformed."""
        raise NotImplementedError

    def merge(self, kept, changed):
        """Undoes `split`."""
        raise NotImplementedError

    def num_changed(self, channels: int) -> int:
        """How many elements of a last axis of this size are transformed at each position."""
        raise NotImplementedError

    def select(self, parameters):
        """Of parameters `[..., num_changed, p]` at each position, those of `changed`."""
        return parameters

    def get_config(self) -> dict:
        return {"swap": self.swap}

    @classmethod
    def from_config(cls, config):
        return cls(**config)
