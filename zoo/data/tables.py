"""The small UCI tables that ship with the package (zoo/tables; its README.md is their card)."""

import contextlib
import importlib.resources
from collections.abc import Iterator

import numpy as np

from zoo.data.data_set import DataSet

DESCRIPTIONS = {
    "parkinsons": "Voice measures of people with Parkinson's disease, and two clinical scores.",
    "power_plant": "Hourly weather and electrical output of a combined cycle power plant.",
    "protein": "Physicochemical properties of protein tertiary structures (CASP 5-9).",
    "winequality_white": "Physicochemical properties of white vinho verde wines.",
}


def table(name: str) -> DataSet:
    """A table that ships with the package: standardised, columns rounded to `bin_width`."""
    with _open(name) as file:
        columns, mean, std, step = (file[key] for key in ("columns", "mean", "std", "step"))
    return DataSet(
        name=name,
        event_shape=(len(columns),),
        description=DESCRIPTIONS[name],
        source="UCI Machine Learning Repository",
        licence="CC BY 4.0",
        read=lambda split: _read(name, split),
        bin_width=tuple(np.float32(step / std).tolist()),
        columns=tuple(columns.tolist()),
        mean=tuple(mean.tolist()),
        std=tuple(std.tolist()),
    )


def _read(name: str, split: str) -> tuple[np.ndarray, None]:
    with _open(name) as file:
        return file[split], None


@contextlib.contextmanager
def _open(name: str) -> Iterator[np.lib.npyio.NpzFile]:
    path = importlib.resources.files("zoo") / "tables" / f"{name}.npz"
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        yield arrays
