"""Scikit-learn's digits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from zoo import data
from zoo.data.digits import stratified_order


def test_splits_are_scikit_learns_rows():
    digits = data.load("digits")
    parts = [digits.arrays(split) for split in data.SPLITS]
    ours = np.concatenate([np.c_[x, labels] for x, labels in parts])
    theirs = np.c_[load_digits(return_X_y=True)]
    np.testing.assert_array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])
    assert digits.bin_width == 1 and not digits.centered


@pytest.mark.parametrize(("split", "per_class"), [("validation", 20), ("test", 30)])
def test_stratified(split, per_class):
    counts = np.bincount(data.load("digits").arrays(split)[1], minlength=10)
    assert np.all(np.abs(counts - per_class) <= 2)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(0, 100))
def test_stratified_order(labels, seed):
    """A permutation; no class runs ahead of its share in any first part of it."""
    labels = np.array(labels)
    order = stratified_order(labels, seed)
    assert sorted(order) == list(range(len(labels)))
    for label in range(4):
        count = np.cumsum(labels[order] == label)
        share = np.mean(labels == label)
        assert np.all(np.abs(count - share * np.arange(1, len(labels) + 1)) <= 1 + 4 * share)
