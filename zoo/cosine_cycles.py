"""The schedule of the learning rate in recipes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
from keras import ops


class CosineCycles(keras.optimizers.schedules.LearningRateSchedule):
    """From zero to the learning rate, then to zero along half a cosine; and so again.

    Loshchilov and Hutter 2017, SGDR, section 3. A training that is prolonged by another cycle is
    the one that would have been, had it been planned so.

    Args:
        learning_rates: the highest of each cycle.
        ends: the steps with which cycles end.
        warmup_steps: steps of rise at the beginning of each; 0: none.
    """

    def __init__(self, learning_rates: Sequence[float], ends: Sequence[int], warmup_steps: int = 0):
        self.learning_rates = tuple(learning_rates)
        self.ends = tuple(ends)
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        step = ops.cast(step, "float32")
        ends = ops.convert_to_tensor(self.ends, "float32")
        starts = ops.convert_to_tensor((0, *self.ends[:-1]), "float32")
        cycle = ops.minimum(ops.sum(ops.cast(step > ends, "int32")), len(self.ends) - 1)
        done = step - starts[cycle]
        length = ends[cycle] - starts[cycle] - self.warmup_steps
        share = ops.clip((done - self.warmup_steps) / ops.maximum(length, 1), 0, 1)
        rise = ops.minimum(done / max(self.warmup_steps, 1), 1) if self.warmup_steps else 1.0
        highest = ops.convert_to_tensor(self.learning_rates, "float32")[cycle]
        return highest * rise * (1 + ops.cos(share * math.pi)) / 2

    def get_config(self) -> dict:
        names = "learning_rates", "ends", "warmup_steps"
        return {name: getattr(self, name) for name in names}
