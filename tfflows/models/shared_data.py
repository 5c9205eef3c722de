"""Data that several workers share."""

from __future__ import annotations

import tensorflow as tf

from tfflows.replicas import is_multi_worker


def sharded(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset, with each global batch divided among the workers; a policy of its own is kept.

    TensorFlow's own choice would first try to give each worker other files, which makes batches
    that one worker alone would not have.
    """
    policy = dataset.options().experimental_distribute.auto_shard_policy
    if policy != tf.data.experimental.AutoShardPolicy.AUTO:
        return dataset
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.with_options(options)


def pooled(strategy: tf.distribute.Strategy, *parts) -> tuple:
    """The rows of all workers: what each of them computes from these is the same on all.

    Args:
      strategy: of the workers; where there is one alone, the parts are returned as they are.
      *parts: arrays `[n, ...]`, as many rows on each worker, or None.
    """
    if not is_multi_worker(strategy):
        return parts
    return tuple(None if part is None else _gathered(strategy, part) for part in parts)


def _gathered(strategy, rows):
    rows = tf.convert_to_tensor(rows)
    values = strategy.experimental_distribute_values_from_function(lambda context: rows)
    return strategy.gather(values, axis=0)
