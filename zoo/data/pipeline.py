"""Batches for training and evaluation: deterministic, resumable, dequantized."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfflows.dequantization import UniformDequantization
from zoo.data.data_set import DataSet

LAST_EPOCH = np.iinfo(np.int32).max
WHOLE_SPLIT = -1  # in place of the step, in the seed of the noise

Dequantize = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def batches(
    data_set: DataSet,
    split: str,
    batch_size: int,
    seed: int = 0,
    start_epoch: int = 0,
    shuffle: bool | None = None,
    dequantize: bool = True,
    flip: bool = False,
    rows: int | None = None,
) -> tf.data.Dataset:
    """Batches of x, or of pairs (x, label) where the data is labelled.

    Shuffled, they are endless: epoch after epoch of `steps_per_epoch` whole batches, each epoch in
    a new order and with new noise. All of it depends on the seed and the step alone, so that
    training resumed with `start_epoch` sees what it would have seen without the interruption.

    Not shuffled, they are one pass in order, with a last batch that may be smaller. The noise of a
    row depends on the seed and the row alone, not on the batch size.

    Args:
        data_set: what to read.
        split: "train", "validation" or "test".
        batch_size: examples a batch, over all replicas together.
        seed: of the order and the noise.
        start_epoch: the first epoch, counted from 0; shuffled batches only.
        shuffle: None shuffles "train" and no other split.
        dequantize: adds uniform noise as wide as the rounding of x. Integer images (uint8) are
            left as they are: their models dequantize.
        flip: mirrors each image left to right with probability 1/2; shuffled batches only.
        rows: only the first so many of the split; not with shuffling.

    Raises:
        ValueError: for an unknown split, a batch size below 1 or, shuffled, above the number of
            examples, a negative start_epoch, or an option that does not go with (no) shuffling.
    """
    shuffle = split == "train" if shuffle is None else shuffle
    if start_epoch < 0 or (start_epoch and not shuffle):
        raise ValueError(f"start_epoch is 0 or, with shuffling, above; got {start_epoch}.")
    if (flip and not shuffle) or (shuffle and rows is not None):
        raise ValueError("flip goes with shuffling, rows without.")
    noise = _dequantizer(data_set, split) if dequantize else _unchanged
    with tf.device("CPU:0"):
        if shuffle:
            return _endless(data_set, split, batch_size, seed, start_epoch, noise, flip)
        return _one_pass(data_set, split, batch_size, seed, noise, rows)


def steps_per_epoch(data_set: DataSet, batch_size: int, split: str = "train") -> int:
    """The number of whole batches in the split; ValueError if there is none."""
    size = data_set.size(split)
    if not 1 <= batch_size <= size:
        raise ValueError(
            f"{data_set.name}, split {split!r}: batch_size is 1 to {size}, got {batch_size}."
        )
    return size // batch_size


def dequantized(data_set: DataSet, split: str, seed: int = 0) -> np.ndarray:
    """x of the whole split with the noise that `batches` adds without shuffling, `[n, ...]`."""
    with tf.device("CPU:0"):
        x = tf.convert_to_tensor(data_set.arrays(split)[0])
        return _dequantizer(data_set, split)(x, _noise_seed(seed, WHOLE_SPLIT)).numpy()


def _endless(data_set, split, batch_size, seed, start_epoch, noise, flip) -> tf.data.Dataset:
    tensors = _tensors(data_set, split)
    size, steps = data_set.size(split), steps_per_epoch(data_set, batch_size, split)

    def epoch(index):
        order = tf.random.experimental.stateless_shuffle(tf.range(size), [seed, index])
        rows = tf.reshape(order[: steps * batch_size], [steps, batch_size])
        return tf.data.Dataset.from_tensor_slices((index * steps + tf.range(steps), rows))

    def batch(step, rows):
        x, *labels = (tf.gather(tensor, rows) for tensor in tensors)
        x = _flipped(x, _flip_seed(seed, step)) if flip else x
        return _element(noise(x, _noise_seed(seed, step)), *labels)

    epochs = tf.data.Dataset.range(start_epoch, LAST_EPOCH, output_type=tf.int32)
    endless = epochs.flat_map(epoch).map(batch, num_parallel_calls=tf.data.AUTOTUNE)
    endless = endless.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
    return endless.prefetch(tf.data.AUTOTUNE)


def _one_pass(data_set, split, batch_size, seed, noise, rows) -> tf.data.Dataset:
    if batch_size < 1:
        raise ValueError(f"batch_size is 1 or more, got {batch_size}.")
    x, *labels = _tensors(data_set, split)
    tensors = noise(x, _noise_seed(seed, WHOLE_SPLIT)), *labels
    tensors = [tensor[:rows] for tensor in tensors]

    def batch(start):
        return _element(*(tensor[start : start + batch_size] for tensor in tensors))

    starts = tf.data.Dataset.range(0, len(tensors[0]), batch_size)
    return starts.map(batch, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def _tensors(data_set: DataSet, split: str) -> list[tf.Tensor]:
    return [tf.convert_to_tensor(a) for a in data_set.arrays(split) if a is not None]


def _element(x, label=None):
    return x if label is None else (x, label)


def _noise_seed(seed, step) -> tf.Tensor:
    """Two int32 for the noise of a step; made from another pair than any epoch's order."""
    return tf.random.experimental.stateless_fold_in([seed, -1], step)


def _flip_seed(seed, step) -> tf.Tensor:
    return tf.random.experimental.stateless_fold_in([seed, -2], step)


def _flipped(x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Images `[batch, height, width, channels]`, each mirrored or not."""
    mirrored = tf.random.stateless_uniform([tf.shape(x)[0], 1, 1, 1], seed) < 0.5
    return tf.where(mirrored, tf.reverse(x, axis=[2]), x)


def _dequantizer(data_set: DataSet, split: str) -> Dequantize:
    if data_set.bin_width is None or data_set.arrays(split)[0].dtype == np.uint8:
        return _unchanged
    layer = UniformDequantization(
        bin_width=data_set.bin_width, centered=data_set.centered, dtype="float32"
    )
    return lambda x, seed: layer(x, seed=seed)[0]


def _unchanged(x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    return x
