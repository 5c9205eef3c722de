"""Scikit-learn's handwritten digits."""

import numpy as np

from zoo.data.data_set import Arrays, DataSet, prepared_together

ENDS = {"train": (0, 1297), "validation": (1297, 1497), "test": (1497, 1797)}


def digits() -> DataSet:
    """8x8 digits as vectors of 64 integers 0 .. 16 (float32), with labels; 1,297 / 200 / 300."""
    return DataSet(
        name="digits",
        event_shape=(64,),
        description="Handwritten digits, 8x8 pixels of 17 grey levels, 10 classes.",
        source="UCI, Optical Recognition of Handwritten Digits (test part), as in scikit-learn",
        licence="CC BY 4.0",
        read=prepared_together(_prepare),
        num_classes=10,
        bin_width=1.0,
        centered=False,
    )


def _prepare() -> dict[str, Arrays]:
    from sklearn.datasets import load_digits

    x, labels = load_digits(return_X_y=True)
    order = stratified_order(labels, seed=42)
    x, labels = x[order], labels[order]
    return {split: (x[start:end], labels[start:end]) for split, (start, end) in ENDS.items()}


def stratified_order(labels: np.ndarray, seed: int) -> np.ndarray:
    """A random order in which every run of rows has each class in its overall proportion.

    Within its class each row has a random rank; rows are sorted by rank / (size of the class).
    """
    random = np.random.RandomState(seed)
    position = np.empty(len(labels))
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        position[rows] = (np.arange(len(rows)) + random.rand(len(rows))) / len(rows)
    return np.argsort(position, kind="stable")
