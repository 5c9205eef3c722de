"""The pretrained entries: found, loaded, described."""

from __future__ import annotations

import pathlib
from typing import Any

import tfflows
from tfflows import saved_model
from tfflows.models import DensityModel
from zoo.data.known import check_known

ZOO = pathlib.Path(__file__).parent
PLACES = (ZOO / "saved_models", ZOO.parent / "saved_models")
"""In a wheel the entries are a package of the zoo; in a checkout they lie at its top."""


def root() -> pathlib.Path:
    """The directory of the entries."""
    return next((place for place in PLACES if place.is_dir()), PLACES[-1])


def names() -> list[str]:
    """The entries there are, sorted."""
    return sorted(path.name for path in root().glob("*") if _versions(path))


def path(name: str) -> pathlib.Path:
    """The artifact of an entry: its latest version.

    Raises:
        ValueError: there is no such entry.
    """
    check_known("entry", name, names())
    return max(_versions(root() / name), key=lambda version: int(version.name))


def load(name: str) -> DensityModel:
    """A pretrained model, by the name of its entry.

    >>> model = zoo.load("maf_power_plant")
    >>> model.sample(3, seed=0).shape
    TensorShape([3, 5])
    """
    return tfflows.load(path(name))


def metadata(name: str) -> dict[str, Any]:
    """What the artifact of an entry says of itself: recipe, metrics, protocol, versions, ..."""
    return saved_model.read(path(name))["metadata"]


def card(name: str) -> str:
    """The card of an entry, in Markdown."""
    return (path(name).parent / "README.md").read_text()


def _versions(entry: pathlib.Path) -> list[pathlib.Path]:
    return [version for version in entry.glob("*") if version.name.isdecimal() and version.is_dir()]
