"""One module a library, each with ``build(task, data, variant) -> Contestant``."""

from typing import Protocol

import numpy as np

# How a library can be run; each variant is a row of the table and a process of its own.
VARIANTS: dict[str, tuple[str, ...]] = {
    "nflows": ("eager", "compile"),
    "normflows": ("eager", "compile"),
    "zuko": ("eager", "compile"),
    "flowjax": ("jit",),
    "distrax": ("jit",),
    "tfp": ("graph", "xla"),
    "tfflows": ("graph", "xla", "parts", "exported"),
}
OURS = "tfflows"
WORKS = ("train_step", "log_prob", "sample")


class Contestant(Protocol):
    """A model of one library, ready to work. Each call returns when its result is there.

    A work that the variant doesn't do is None.
    """

    num_parameters: int

    def train_step(self) -> float:
        """One step on the next batch: mean negative log-likelihood, gradients, Adam; the loss."""

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        """Log-densities of the rows of ``x``, without gradients."""

    def sample(self, n: int) -> np.ndarray:
        """``n`` new samples each time."""


def rows(names: list[str]) -> list[tuple[str, str]]:
    """The (library, variant) pairs that ``names`` ask for: "zuko" (all) or "zuko:eager"."""
    pairs = []
    for name in names:
        library, _, variant = name.partition(":")
        if library not in VARIANTS or (variant and variant not in VARIANTS[library]):
            raise SystemExit(f"unknown library {name!r}; there are {VARIANTS}")
        pairs += [(library, v) for v in VARIANTS[library] if variant in ("", v)]
    return pairs
