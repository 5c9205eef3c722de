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


def trained() -> dict[str, dict[str, Any]]:
    """The metadata of the entries that recipes made, by name; one may have others there."""
    found = {name: metadata(name) for name in names()}
    return {name: each for name, each in found.items() if "recipe" in each}


def path(name: str) -> pathlib.Path:
    """The artifact of an entry: its latest version.

    Args:
        name: of an entry; or the path of an entry of one's own, or of an artifact.

    Raises:
        ValueError: there is no such entry.
    """
    known, directory = names(), pathlib.Path(name)
    if name in known:
        return _latest(root() / name)
    if (directory / saved_model.PRESET).is_file():
        return directory
    if not _versions(directory):
        check_known("entry", name, known)
    return _latest(directory)


def address(entry: pathlib.Path) -> str:
    """What `path` finds a directory by: the name of an entry, or else the path."""
    return entry.name if entry.resolve().parent == root().resolve() else str(entry)


def load(name: str) -> DensityModel:
    """A pretrained model, by the name of its entry, or the path of one's own.

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


def _latest(entry: pathlib.Path) -> pathlib.Path:
    return max(_versions(entry), key=lambda version: int(version.name))


def _versions(entry: pathlib.Path) -> list[pathlib.Path]:
    return [version for version in entry.glob("*") if version.name.isdecimal() and version.is_dir()]
