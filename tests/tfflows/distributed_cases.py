"""Trainings that must not depend on the number of replicas, and a worker that runs them."""

import os

import keras
import numpy as np
import tensorflow as tf

import tfflows
from tfflows.layers import ActNorm, Chain
from tfflows.models.shared_data import sharded

STEPS, BATCH = 50, 32
GLOW = {"num_levels": 1, "num_steps": 1, "units": 8, "dequantization": None, "seed": 1}
CASES = {
    "glow": (lambda: tfflows.Glow(**GLOW), {}),
    "batch_normalization_and_ema": (
        lambda: tfflows.RealNVP(2, (8,), normalization="batch"),
        {"use_ema": True, "ema_momentum": 0.9},
    ),
    "clipnorm": (lambda: tfflows.RealNVP(2, (8,)), {"clipnorm": 0.1, "weight_decay": 0.01}),
    "clipvalue": (lambda: tfflows.RealNVP(2, (8,)), {"clipvalue": 0.02}),
    "muon": (
        lambda: tfflows.RealNVP(2, (8,)),
        {"optimizer": tfflows.KernelMuon, "global_clipnorm": 0.3},
    ),
}
SCORED = "clipvalue"


def data(case, rows=STEPS * BATCH):
    shape = (8, 8, 1) if case == "glow" else (4,)
    mixing = np.random.RandomState(0).normal(size=(np.prod(shape), np.prod(shape)))
    x = np.random.RandomState(1).normal(size=(rows, np.prod(shape))) @ mixing + 1.0
    return x.reshape(rows, *shape).astype("float32")


def train(case, strategy, rows=STEPS * BATCH, batch=BATCH, epochs=1):
    """The weights after passes over the rows, in order."""
    make, options = CASES[case]
    keras.utils.set_random_seed(3)
    with strategy.scope():
        model = make()
        model.compile(_optimizer(**options))
    x = data(case, rows)
    model.fit(tf.data.Dataset.from_tensor_slices(x).batch(batch), epochs=epochs, verbose=0)
    return model


def _optimizer(optimizer=keras.optimizers.Adam, **options):
    return optimizer(1e-3, **options)


def rows_seen(strategy, batch_size, rows):
    """The rows that each worker's replicas get, of a dataset of their numbers."""
    numbers = sharded(tf.data.Dataset.range(rows).batch(batch_size))
    seen = []
    for batch in strategy.experimental_distribute_dataset(numbers):
        seen += [x for part in strategy.experimental_local_results(batch) for x in np.array(part)]
    return seen


def _adapted_to_pooled(strategy, index):
    """The location that two workers with different data agree on."""
    with strategy.scope():
        model = tfflows.FlowModel(Chain([ActNorm(name="norm")], name="flow"))
    model.adapt(np.full([8, 2], 10.0 * index, "float32") + np.arange(8)[:, np.newaxis])
    return np.concatenate([np.array(w).ravel() for w in model.weights])


def work(path, config):
    """In a process of its own, of a cluster with this TF_CONFIG: all cases, to a file."""
    os.environ["TF_CONFIG"] = config
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    index = strategy.cluster_resolver.task_id
    results, models = {}, {case: train(case, strategy) for case in CASES}
    for case, model in models.items():
        for i, weight in enumerate(model.get_weights()):
            results[f"{case}/{i}"] = weight
    x, model = data(SCORED, 37), models[SCORED]
    results["predicted"] = model.predict(x, batch_size=16, verbose=0)
    results["evaluated"] = model.evaluate(x, batch_size=16, verbose=0, return_dict=True)["nll"]
    results["pooled"] = _adapted_to_pooled(strategy, index)
    for batch_size in (8, 7):
        results[f"rows/{batch_size}"] = rows_seen(strategy, batch_size, 50)
    np.savez(f"{path}.{index}.npz", **results)
