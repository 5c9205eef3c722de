"""A tiny entry, trained once for the tests that need one."""

import pytest

from zoo import registry
from zoo.recipe import parse
from zoo.train import train

TINY = {
    "name": "tiny",
    "model": {
        "class": "MAF",
        "arguments": {"num_layers": 2, "units": [8], "normalization": "act"},
    },
    "data": {"name": "power_plant"},
    "training": {"epochs": 2, "batch_size": 1000, "seed": 3},
}


@pytest.fixture(scope="session")
def entries(tmp_path_factory):
    """A directory of entries that holds `tiny`."""
    root = tmp_path_factory.mktemp("saved_models")
    train(parse(TINY), root / "tiny")
    return root


@pytest.fixture
def tiny_zoo(entries, monkeypatch):
    """The zoo, with `tiny` as its only entry."""
    monkeypatch.setattr(registry, "PLACES", (entries,))
    return entries
