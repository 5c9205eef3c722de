"""Batches: deterministic, resumable, dequantized."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from zoo import data


def _data_set(n=23, labelled=False, **kwargs) -> data.DataSet:
    """Row i is (i, 10 i), its label i."""
    rows = np.arange(n)
    x = np.stack([rows, 10 * rows], axis=-1).astype(np.float32)
    read = lambda split: (x, rows if labelled else None)  # noqa: E731
    return data.DataSet(
        "count", (2,), "", "", "", read, num_classes=n if labelled else None, **kwargs
    )


def _take(batches: tf.data.Dataset, n: int) -> list[np.ndarray]:
    return list(itertools.islice(batches.as_numpy_iterator(), n))


def test_an_epoch_is_whole_batches_of_distinct_rows():
    data_set = _data_set()
    batches = data.batches(data_set, "train", batch_size=5)
    assert batches.element_spec.shape == (5, 2)
    assert batches.cardinality() == tf.data.INFINITE_CARDINALITY
    assert data.steps_per_epoch(data_set, 5) == 4
    epochs = [np.concatenate(_take(batches, 12)[4 * e : 4 * e + 4])[:, 0] for e in range(3)]
    assert all(len(set(epoch)) == 20 and set(epoch) <= set(range(23)) for epoch in epochs)
    assert not np.array_equal(epochs[0], epochs[1]) and not np.array_equal(epochs[1], epochs[2])
    assert len(set(np.concatenate(epochs))) == 23


def test_the_order_is_stateless_in_seed_and_epoch():
    order = tf.random.experimental.stateless_shuffle(tf.range(23), seed=[7, 2])
    found = _take(data.batches(_data_set(), "train", 23, seed=7, start_epoch=2), 1)[0]
    np.testing.assert_array_equal(found[:, 0], order)


@pytest.mark.parametrize("start_epoch", [1, 2, 5])
def test_resuming_sees_what_an_undisturbed_run_sees(start_epoch):
    data_set = _data_set(bin_width=(0.5, 0.25))
    undisturbed = _take(data.batches(data_set, "train", 5, seed=3), 28)
    resumed = _take(data.batches(data_set, "train", 5, seed=3, start_epoch=start_epoch), 8)
    expected = undisturbed[4 * start_epoch : 4 * start_epoch + 8]
    np.testing.assert_array_equal(resumed, expected)


def test_seeds_differ():
    batches = [_take(data.batches(_data_set(), "train", 23, seed=seed), 1)[0] for seed in (0, 1)]
    assert not np.array_equal(*batches)


def test_labels_stay_with_their_rows():
    labelled = _data_set(labelled=True)
    for x, labels in _take(data.batches(labelled, "train", 5), 8):
        np.testing.assert_array_equal(x[:, 0], labels)
    for x, labels in data.batches(labelled, "test", 5).as_numpy_iterator():
        np.testing.assert_array_equal(x[:, 0], labels)
    assert data.batches(labelled.without_labels(), "train", 5).element_spec.shape == (5, 2)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_one_pass_is_everything_in_order(split):
    batches = data.batches(_data_set(), split, batch_size=5, shuffle=False)
    assert batches.cardinality() == 5
    found = list(batches.as_numpy_iterator())
    assert [len(x) for x in found] == [5, 5, 5, 5, 3]
    np.testing.assert_array_equal(np.concatenate(found), _data_set().arrays(split)[0])


def test_a_split_other_than_train_shuffles_on_demand():
    batches = data.batches(_data_set(), "validation", 23, shuffle=True)
    assert sorted(_take(batches, 1)[0][:, 0]) == list(range(23))


@pytest.mark.parametrize(
    ("centered", "low", "high"), [(True, (-0.25, -1), (0.25, 1)), (False, (0, 0), (0.5, 2))]
)
@pytest.mark.parametrize("shuffle", [True, False])
def test_noise_fills_the_bins(shuffle, centered, low, high):
    data_set = _data_set(n=4000, bin_width=(0.5, 2.0), centered=centered)
    noisy = _take(data.batches(data_set, "train", 4000, shuffle=shuffle), 1)[0]
    if shuffle:
        noisy = noisy[np.argsort(noisy[:, 1])]
    noise = noisy - data_set.arrays("train")[0]
    np.testing.assert_allclose(noise.min(axis=0), low, atol=0.02)
    np.testing.assert_allclose(noise.max(axis=0), high, atol=0.02)
    assert abs(np.corrcoef(noise, rowvar=False)[0, 1]) < 0.1


def test_noise_is_new_at_each_step():
    data_set = _data_set(n=5, bin_width=1.0, centered=False)
    found = [x[np.argsort(x[:, 1])] for x in _take(data.batches(data_set, "train", 5), 3)]
    noise = np.stack(found) - data_set.arrays("train")[0]
    assert len(np.unique(noise)) == noise.size


def test_noise_of_a_pass_depends_on_the_seed_alone():
    data_set = _data_set(bin_width=0.5)
    passes = [
        np.concatenate(list(data.batches(data_set, "test", size, seed=1).as_numpy_iterator()))
        for size in (5, 23, 100)
    ]
    np.testing.assert_array_equal(passes[0], passes[1])
    np.testing.assert_array_equal(passes[0], passes[2])
    np.testing.assert_array_equal(passes[0], data.dequantized(data_set, "test", seed=1))
    assert not np.array_equal(passes[0], data.dequantized(data_set, "test", seed=2))


def test_no_noise_where_none_is_wanted():
    x, _ = _data_set().arrays("test")
    rounded = _data_set(bin_width=0.5)
    (plain,) = data.batches(rounded, "test", 23, dequantize=False)
    np.testing.assert_array_equal(plain, x)
    np.testing.assert_array_equal(data.dequantized(_data_set(), "test"), x)


def test_the_first_rows_of_a_pass():
    data_set = _data_set(bin_width=1.0)
    whole = np.concatenate(_take(data.batches(data_set, "validation", 5, seed=2), 5))
    part = _take(data.batches(data_set, "validation", 5, seed=2, rows=8), 9)
    assert [len(x) for x in part] == [5, 3]
    np.testing.assert_array_equal(np.concatenate(part), whole[:8])


def test_flips_are_half_of_the_images_and_a_function_of_seed_and_step():
    images = np.arange(40 * 6, dtype=np.uint8).reshape(40, 1, 6, 1)
    data_set = data.DataSet("images", (1, 6, 1), "", "", "", lambda split: (images, None))
    plain = _take(data.batches(data_set, "train", 20, seed=4), 8)
    flipped = _take(data.batches(data_set, "train", 20, seed=4, flip=True), 8)
    later = _take(data.batches(data_set, "train", 20, seed=4, start_epoch=2, flip=True), 4)
    np.testing.assert_array_equal(flipped[4:], later)
    mirrored = []
    for before, after in zip(np.concatenate(plain), np.concatenate(flipped)):
        mirrored.append(not np.array_equal(before, after))
        np.testing.assert_array_equal(after, before[:, ::-1] if mirrored[-1] else before)
    assert 0.35 < np.mean(mirrored) < 0.65
    assert mirrored[:20] != mirrored[20:40]


def test_noise_stays_float32_under_mixed_precision():
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        x = data.dequantized(_data_set(bin_width=1e-3), "test")
    finally:
        keras.config.set_dtype_policy(before)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, _data_set().arrays("test")[0], atol=6e-4)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"batch_size": 24}, r"count, split 'train': batch_size is 1 to 23, got 24"),
        ({"batch_size": 0}, "batch_size is 1 to 23, got 0"),
        ({"batch_size": 0, "shuffle": False}, "batch_size is 1 or more, got 0"),
        ({"batch_size": 5, "start_epoch": -1}, "start_epoch.*got -1"),
        ({"batch_size": 5, "start_epoch": 1, "shuffle": False}, "start_epoch.*got 1"),
        ({"batch_size": 5, "rows": 3}, "flip goes with shuffling, rows without"),
        ({"batch_size": 5, "flip": True, "shuffle": False}, "flip goes with shuffling"),
        ({"batch_size": 5, "split": "tests"}, "'tests'.*Did you mean 'test'"),
    ],
)
def test_bad_arguments(arguments, says):
    with pytest.raises(ValueError, match=says):
        data.batches(_data_set(), **{"split": "train", **arguments})
