"""What the preparations of the five sets share."""

import numpy as np

from zoo.data.data_set import Arrays


def split_by_tenths(table: np.ndarray) -> list[np.ndarray]:
    """Train, validation and test: the last tenth is test, the last tenth of the rest validation."""
    rest, test = split_off_tenth(table)
    return [*split_off_tenth(rest), test]


def split_off_tenth(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All rows but the last tenth (rounded down), and the last tenth."""
    end = len(table) - int(0.1 * len(table))
    return table[:end], table[end:]


def standardized_by_train_and_validation(splits: list[np.ndarray]) -> list[np.ndarray]:
    """The splits less the mean of train and validation together, divided by their std."""
    seen = np.concatenate(splits[:2])
    mean, std = seen.mean(axis=0), seen.std(axis=0)
    return [(split - mean) / std for split in splits]


def named(splits: list[np.ndarray]) -> dict[str, Arrays]:
    """The splits train, validation and test by name: float32, without labels."""
    names = ("train", "validation", "test")
    return {name: (x.astype(np.float32), None) for name, x in zip(names, splits, strict=True)}
