"""Exported models, made when a test first asks for them and kept for the others."""

import keras
import pytest

import tfflows
from tests.tfflows import served_models


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """`served(name)`: one of `served_models.KINDS`, exported."""
    directory, made = tmp_path_factory.mktemp("served"), {}

    def get(name):
        if name not in made:
            keras.utils.set_random_seed(0)
            made[name] = served_models.exported(name, directory)
        return made[name]

    return get


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    """A tiny exported model of vectors, to be spoilt."""
    model = tfflows.MAF(num_layers=1, units=(4,))
    model.build((None, 2))
    path = tmp_path_factory.mktemp("artifact") / "1"
    model.export(path)
    return path
