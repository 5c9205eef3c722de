"""HEPMASS: simulated particle collisions."""

import pathlib

import numpy as np

from zoo.data.data_set import Arrays, DataSet, prepared_together
from zoo.data.maf_paper.files import SOURCE, Directory, find_file, read
from zoo.data.maf_paper.preparation import named, split_off_tenth


def hepmass(*, directory: Directory = None) -> DataSet:
    """HEPMASS, 21 columns, from `hepmass/1000_train.csv` and `hepmass/1000_test.csv`."""
    return DataSet(
        name="hepmass",
        event_shape=(21,),
        description="Simulated particle collisions that make a particle of mass 1000.",
        source=f"UCI Machine Learning Repository, through {SOURCE}",
        licence="CC BY 4.0",
        read=prepared_together(lambda: _prepare_files(directory)),
    )


def _prepare_files(directory: Directory) -> dict[str, Arrays]:
    paths = [
        find_file("hepmass", (f"hepmass/1000_{part}.csv",), directory) for part in ("train", "test")
    ]
    width = len(_header(paths[0]))
    return prepare(*(_read(path, width) for path in paths))


def prepare(train: np.ndarray, test: np.ndarray) -> dict[str, Arrays]:
    """Keeps class 1, standardises by the train file, drops discrete columns, splits the train file.

    Args:
        train, test: `[n, 1 + features]`, the class first.
    """
    train, test = (table[table[:, 0] == 1, 1:] for table in (train, test))
    keep = [count_of_smallest(column) <= 5 for column in train.T]
    train, test = train[:, keep], test[:, keep]
    mean, std = train.mean(axis=0), train.std(axis=0, ddof=1)
    train, test = (train - mean) / std, (test - mean) / std
    return named([*split_off_tenth(train), test])


def count_of_smallest(column: np.ndarray) -> int:
    """How often the smallest value occurs: the paper's test of a column for being discrete."""
    return int((column == column.min()).sum())


def _header(path: pathlib.Path) -> list[str]:
    with read(path), path.open(encoding="utf-8") as file:
        return file.readline().split(",")


def _read(path: pathlib.Path, width: int) -> np.ndarray:
    """The first columns of the file, as many as the train file names: test has one more."""
    with read(path):
        return np.loadtxt(path, delimiter=",", skiprows=1, usecols=range(width), ndmin=2)
