"""The tables that ship with the package."""

import pathlib

import numpy as np
import pytest

import zoo.data.tables
from zoo import data
from zoo.data.prepare_tables import TABLES, prepare_table
from zoo.data.tables import DESCRIPTIONS


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_standardized_by_train_and_validation(name):
    data_set = data.load(name)
    seen = np.concatenate([data_set.arrays(split)[0] for split in ("train", "validation")])
    np.testing.assert_allclose(seen.mean(axis=0, dtype=float), 0, atol=1e-5)
    np.testing.assert_allclose(seen.std(axis=0, dtype=float), 1, atol=1e-5)


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_columns_are_described(name):
    data_set = data.load(name)
    for per_column in (data_set.columns, data_set.mean, data_set.std, data_set.bin_width):
        assert len(per_column) == data_set.event_shape[0]
    assert data_set.centered and min(data_set.bin_width) > 0


@pytest.mark.parametrize(
    ("name", "column", "step"),
    [
        ("power_plant", "AT", 0.01),
        ("power_plant", "PE", 0.01),
        ("parkinsons", "HNR", 1e-3),
        ("winequality_white", "pH", 0.01),
        ("winequality_white", "free sulfur dioxide", 0.5),
        ("protein", "RMSD", 1e-3),
    ],
)
def test_raw_values_lie_on_the_grid_of_the_bin_width(name, column, step):
    data_set = data.load(name)
    i = data_set.columns.index(column)
    raw = data_set.mean[i] + data_set.std[i] * data_set.arrays("test")[0][:, i].astype(float)
    assert data_set.bin_width[i] * data_set.std[i] == pytest.approx(step, rel=1e-5)
    np.testing.assert_allclose(raw / step, np.round(raw / step), atol=0.02)


def test_they_are_small_and_have_a_card():
    sizes = {path.stem: path.stat().st_size for path in TABLES.glob("*.npz")}
    assert set(sizes) == set(DESCRIPTIONS)
    assert sum(sizes.values()) < 5e6
    card = (TABLES / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in card for name in DESCRIPTIONS) and "CC BY 4.0" in card


def _source(path: pathlib.Path, offset: float = 0.0) -> pathlib.Path:
    """A source file of 100 rows and 3 columns, of which the last two are kept."""
    random = np.random.RandomState(0)
    raw, keep, perm = np.round(random.randn(100, 3), 2), [1, 2], random.permutation(100)
    kept = raw[perm][:, keep]
    mean, std = kept[:90].mean(axis=0), kept[:90].std(axis=0)
    x = ((kept - mean) / std + offset).astype(np.float32)
    parts = {"train": x[:81], "val": x[81:90], "test": x[90:]}
    described = {"columns": ["a", "b", "c"], "keep": keep, "perm": perm, "step": [0.01, 0.01]}
    np.savez(path, data=raw, mean=mean, std=std, **described, **parts)
    return path


def test_a_prepared_table_loads(tmp_path, monkeypatch):
    target = tmp_path / "zoo" / "tables" / "protein.npz"
    target.parent.mkdir(parents=True)
    prepare_table(_source(tmp_path / "data.npz"), target)
    monkeypatch.setattr(zoo.data.tables.importlib.resources, "files", lambda name: tmp_path / name)
    data_set = data.load("protein")
    assert data_set.columns == ("b", "c") and data_set.event_shape == (2,)
    assert [data_set.size(split) for split in data.SPLITS] == [81, 9, 10]
    np.testing.assert_allclose(data_set.bin_width, 0.01 / np.array(data_set.std), rtol=1e-6)


def test_splits_that_are_not_the_table_are_refused(tmp_path):
    with pytest.raises(ValueError, match="not the standardised rows"):
        prepare_table(_source(tmp_path / "data.npz", offset=0.1), tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()
