"""What a replica of a distributed step knows of the others."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

JOBS = ("chief", "worker")
"""What processes that train are called in `TF_CONFIG`."""


def sum_over_replicas(values: list[tf.Tensor]) -> list[tf.Tensor]:
    """The sums of the replicas' values; the values themselves outside of a step of several.

    >>> [float(x) for x in sum_over_replicas([tf.constant(1.0), tf.constant(2.0)])]
    [1.0, 2.0]
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)


def own_seed(seed: tf.Tensor) -> tf.Tensor:
    """A seed of this replica's own, from one `[2]` that all have: without it, replicas draw the
    same noise for their parts of the batch. Outside of a step of several, the seed as it is.

    >>> own_seed(tf.constant([3, 0])).numpy().tolist()
    [3, 0]
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return seed
    return tf.random.experimental.stateless_fold_in(seed, context.replica_id_in_sync_group)


def is_multi_worker(strategy: tf.distribute.Strategy) -> bool:
    """Whether a strategy is of several processes, each with replicas of its own.

    >>> is_multi_worker(tf.distribute.get_strategy())
    False
    """
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return False
    resolver = strategy.cluster_resolver
    return resolver is not None and num_workers(resolver.cluster_spec().as_dict()) > 1


def num_workers(cluster: Mapping) -> int:
    """The processes that train in a cluster, given as in `TF_CONFIG`.

    >>> num_workers({"worker": ["one:1", "two:1"], "ps": ["three:1"]})
    2
    """
    return sum(len(cluster.get(job, ())) for job in JOBS)
