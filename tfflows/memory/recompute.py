"""Memory for time, exactly."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from tfflows.memory.in_this_call import in_this_call
from tfflows.memory.step import Step, run


def recompute(
    steps: Sequence[Step], value: tf.Tensor, condition: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """As `run`; what steps compute inside is computed again in the backward pass, not kept.

    Kept are the inputs of segments, which end where a step with a network does: what is cheap to
    compute goes with it. Gradients are those of `run`. Chen et al. 2016, "Training deep nets with
    sublinear memory cost", section 4.1.

    >>> double = Step(lambda x: (2 * x, tf.math.log([2.0, 2.0])), lambda z: (z / 2, None))
    >>> float(recompute([double, double], tf.ones([2, 1]))[0][0, 0])
    4.0
    """
    return run([_recomputed(segment) for segment in segments(steps)], value, condition)


def segments(steps: Sequence[Step]) -> list[list[Step]]:
    """The steps in groups, each of which ends with the only one in it that has a network."""
    found = [[]]
    for step in steps:
        found[-1].append(step)
        if step.uses_condition:
            found.append([])
    return [segment for segment in found if segment]


def _recomputed(segment):
    def apply(value, condition=None):
        return run(segment, value, condition)

    uses_condition = any(step.uses_condition for step in segment)
    return Step(tf.recompute_grad(in_this_call(apply)), None, uses_condition)
