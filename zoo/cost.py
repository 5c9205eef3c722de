"""What a training step of a recipe computes, holds and moves, and what that means for workers."""

from __future__ import annotations

import dataclasses
import time

import keras
import numpy as np
import tensorflow as tf

from tfflows.layers import BatchNormalization
from tfflows.models import DensityModel
from zoo.optimizer import make_optimizer
from zoo.precision import training_dtype
from zoo.process_memory import forget_peak, memory_bytes
from zoo.recipe import Recipe

STEPS = 3
SCALARS = 3  # the rows of the batch, its loss and its nll


@dataclasses.dataclass(frozen=True)
class Cost:
    """Of one step on one worker.

    Attributes:
        batch_size: its examples.
        parameters: the trained ones.
        reduced_bytes: what it adds up with the other workers.
        flops: what it computes, as TensorFlow counts the operations of its graph; of a model that
            computes activations again (`memory`), without those.
        state_bytes: weights, gradients, and variables of the optimizer.
        step_bytes: what it took beyond the state, at its peak; None where that is not known.
        seconds: what it took here, on one device.
    """

    batch_size: int
    parameters: int
    reduced_bytes: int
    flops: int
    state_bytes: int
    step_bytes: int | None
    seconds: float

    @property
    def seconds_per_example(self) -> float:
        return self.seconds / self.batch_size


@dataclasses.dataclass(frozen=True)
class Network:
    """Between workers: bytes a second each way, and seconds until a message arrives."""

    bandwidth: float
    latency: float

    def seconds(self, reduced_bytes: int, workers: int) -> float:
        """What a ring takes to add up: each worker sends 2 (N - 1) messages, of 1/N of it each.

        Patarasuk and Yuan 2009, "Bandwidth optimal all-reduce algorithms".
        """
        return 2 * (workers - 1) * (reduced_bytes / workers / self.bandwidth + self.latency)

    def least_batch(self, cost: Cost, workers: int) -> float:
        """The examples of a worker below which a step waits longer than it computes."""
        return self.seconds(cost.reduced_bytes, workers) / cost.seconds_per_example

    def most_workers(self, cost: Cost, global_batch: int) -> int:
        """The workers up to which a step on a global batch waits no longer than it computes.

        Each has an example or more.
        """
        for more in range(2, global_batch + 1):
            if self.least_batch(cost, more) > global_batch / more:
                return more - 1
        return global_batch


def measure(recipe: Recipe, batch_size: int | None = None) -> Cost:
    """The cost of a step of the recipe, taken here; `batch_size` None: the recipe's."""
    batch_size = batch_size or recipe.training.batch_size
    x = _examples(recipe, batch_size)
    model = recipe.make_model(dtype=training_dtype(recipe))
    model.compile(make_optimizer(recipe.training, 1000))
    model.adapt(*_examples(recipe, min(recipe.training.adapt_rows, 256)))
    model.optimizer.build(model.trainable_variables)
    step = tf.function(lambda *data: model.train_step((data if len(data) > 1 else data[0],)))
    flops = _flops(step.get_concrete_function(*x).graph)
    step(*x)
    resident = memory_bytes("VmRSS")
    forgotten = forget_peak()
    start = time.perf_counter()
    for _ in range(STEPS):
        step(*x)
    seconds = (time.perf_counter() - start) / STEPS
    peak = memory_bytes("VmHWM")
    trained = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    gradients = _bytes(model.trainable_variables)
    return Cost(
        batch_size=batch_size,
        parameters=trained,
        reduced_bytes=reduced_bytes(model),
        flops=flops,
        state_bytes=_bytes(model.weights) + gradients + _bytes(model.optimizer.variables),
        step_bytes=max(peak - resident, 0) if forgotten and resident else None,
        seconds=seconds,
    )


def reduced_bytes(model: DensityModel) -> int:
    """What a step of each worker adds up with the others, at most.

    The gradients; the sums and counts of each batch normalization, of values and of squares, there
    and back (which is left out where nothing before it is trained); and a few scalars.
    """
    layers = [x for x in model._flatten_layers() if isinstance(x, BatchNormalization)]
    statistics = sum(4 * (x.moving_mean.shape[0] + 1) for x in layers)
    return _bytes(model.trainable_variables) + 4 * (statistics + SCALARS)


def _bytes(variables):
    sizes = (keras.backend.standardize_dtype(v.dtype) for v in variables)
    return sum(int(np.prod(v.shape)) * tf.as_dtype(d).size for v, d in zip(variables, sizes))


def _examples(recipe, count):
    parts = recipe.data.load().arrays("train")
    rows = np.arange(count) % len(parts[0])
    return [tf.constant(part[rows]) for part in parts if part is not None]


def _flops(graph):
    profiler = tf.compat.v1.profiler
    options = profiler.ProfileOptionBuilder.float_operation()
    options = profiler.ProfileOptionBuilder(options).with_empty_output().build()
    return profiler.profile(graph, cmd="op", options=options).total_float_ops
