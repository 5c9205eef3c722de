"""Gradient clipping that does not depend on the number of replicas."""

from __future__ import annotations

import warnings

import keras
import tensorflow as tf

CLIP, REDUCE = "_clip_gradients", "_all_reduce_sum_gradients"


def clip_after_reduction(
    optimizer: keras.optimizers.Optimizer, strategy: tf.distribute.Strategy
) -> None:
    """Has the gradients of the global batch clipped, as one replica alone would.

    Keras clips on each replica, before the gradients are added up: what is clipped are gradients of
    parts of the batch, and of a loss divided by the number of replicas. Here they are clipped once
    they are added up, on all replicas alike; that moves no bytes more. No change for one replica.

    Args:
      optimizer: made in the scope of the strategy.
      strategy: the one that it is used with.

    Warns:
      UserWarning: this version of Keras does it in another way, and clips each replica by itself.
    """
    if optimizer is None:  # of a model that is compiled to be evaluated only
        return
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    options = (optimizer.clipnorm, optimizer.global_clipnorm, optimizer.clipvalue)
    if strategy.num_replicas_in_sync == 1 or not any(options):
        return
    if not (hasattr(optimizer, CLIP) and hasattr(optimizer, REDUCE)):
        warnings.warn(
            f"Keras {keras.__version__} clips the gradients of each replica by itself: the same "
            "global batch gives other steps than one replica would take.",
            stacklevel=2,
        )
        return
    clip, reduce = getattr(optimizer, CLIP), getattr(optimizer, REDUCE)
    if getattr(reduce, "clips", False):
        return

    def reduce_and_clip(gradients_and_variables):
        gradients, variables = zip(*reduce(gradients_and_variables))
        return list(zip(clip(list(gradients)), variables))

    reduce_and_clip.clips = True
    setattr(optimizer, CLIP, lambda gradients: gradients)
    setattr(optimizer, REDUCE, reduce_and_clip)
