"""What is wrong with a request."""

from __future__ import annotations


class Refusal(Exception):
    """A request that isn't answered, and why.

    Args:
        message: as TensorFlow Serving words it, where it has the case.
        status: of HTTP.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
