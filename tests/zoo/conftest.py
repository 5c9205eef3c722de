"""Tiny entries, trained once for the tests that need one; and real images, where there are any."""

import os
import pathlib

import numpy as np
import pytest
from sklearn.datasets import load_digits

from zoo import data, registry
from zoo.data import DataSet
from zoo.data.catalogue import CATALOGUE
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "PLACES", (root,))
        train(parse(TINY), root / "tiny")
    return root


@pytest.fixture
def tiny_zoo(entries, monkeypatch):
    """The zoo, with `tiny` as its only entry."""
    monkeypatch.setattr(registry, "PLACES", (entries,))
    return entries


TINY_IMAGES = {
    "name": "tiny_images",
    "model": {
        "class": "Glow",
        "arguments": {
            "num_levels": 1,
            "num_steps": 1,
            "units": 8,
            "seed": 1,
            "dtype": "mixed_bfloat16",
        },
    },
    "data": {"name": "digit_images", "labels": True},
    "training": {
        "epochs": 2,
        "batch_size": 100,
        "seed": 3,
        "validation_rows": 70,
        "adapt_rows": 100,
        "flip": True,
        "optimizer": "adamax",
        "schedule": "warmup_cosine",
        "warmup_epochs": 0.5,
        "use_ema": True,
        "ema_momentum": 0.9,
    },
    "evaluation": {"batch_size": 60, "num_importance_samples": 2},
    "yardsticks": [
        {
            "name": "Other",
            "figure": 2.5,
            "source": "a paper",
            "protocol": "uniform, test split",
            "num_importance_samples": 2,
        },
        {
            "name": "Another",
            "figure": 2.0,
            "source": "its code",
            "protocol": "4096 samples",
            "num_importance_samples": 4096,
        },
    ],
}


def digit_images():
    """Scikit-learn's digits as the image sets are: uint8 and `[8, 8, 1]`."""
    x, labels = load_digits(return_X_y=True)
    images = (15 * x).astype(np.uint8).reshape(-1, 8, 8, 1)
    ends = {"train": slice(0, 500), "validation": slice(500, 600), "test": slice(600, 700)}
    return DataSet(
        name="digit_images",
        event_shape=(8, 8, 1),
        description="Digits.",
        source="scikit-learn",
        licence="CC BY 4.0",
        read=lambda split: (images[ends[split]], labels[ends[split]]),
        num_classes=10,
        bin_width=1.0,
        centered=False,
    )


@pytest.fixture(scope="session")
def image_entries(tmp_path_factory):
    """A directory of entries that holds `tiny_images`."""
    root = tmp_path_factory.mktemp("saved_models_of_images")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CATALOGUE, "digit_images", digit_images)
        train(parse(TINY_IMAGES), root / "tiny_images")
    return root


@pytest.fixture
def image_data(monkeypatch):
    """The catalogue, with `digit_images` in it."""
    monkeypatch.setitem(CATALOGUE, "digit_images", digit_images)


@pytest.fixture
def image_zoo(image_entries, image_data, monkeypatch):
    """The zoo, with `tiny_images` as its only entry."""
    monkeypatch.setattr(registry, "PLACES", (image_entries,))
    return image_entries


def real_images(name):
    """A set of TensorFlow Datasets; where it is not there, the test is skipped."""
    shared = os.environ.get("TFFLOWS_SHARED")
    directory = os.environ.get("TFDS_DATA_DIR") or (shared and pathlib.Path(shared) / "tfds")
    if not directory or not (pathlib.Path(directory) / name).is_dir():
        pytest.skip(f"no {name}: TFDS_DATA_DIR (or TFFLOWS_SHARED, with tfds/) has to name it")
    return data.load(name, data_dir=directory)
