"""tfflows: the training step of ``fit``, compiled scoring and sampling; or an exported model."""

import os
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import tfflows
from benchmarks.libraries.tensorflow_flow import stateless_seeds
from benchmarks.tasks import Task


class Model:
    """A Keras model; ``variant="xla"`` compiles each work with XLA.

    ``variant="parts"``: each core has a part of the batch, and each operation one core.
    """

    def __init__(
        self, model: tfflows.FlowModel, task: Task, data: np.ndarray, variant: str
    ) -> None:
        self._model = model
        self._model.compile(
            keras.optimizers.Adam(task.learning_rate),
            jit_compile=variant == "xla",
            batch_parts=_cores() if variant == "parts" else 1,
        )
        # What `fit` calls for each batch, on what it reads from, less its callbacks.
        self._model.make_train_function()
        self._batches = iter(tf.data.Dataset.from_tensor_slices(data).repeat().prefetch(2))
        compiled = {"jit_compile": variant == "xla"}
        # Called, as `predict` does it: `log_prob`, in parts.
        self._log_prob = tf.function(lambda x: self._model(x), **compiled)
        self._sample = tf.function(lambda seed, n: self._model.sample(n, seed=seed), **compiled)
        self._next_seed = stateless_seeds()
        self.num_parameters = self._model.count_params()

    def train_step(self) -> float:
        return float(self._model.train_function(self._batches)["loss"])

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        return self._log_prob(tf.constant(x)).numpy()

    def sample(self, n: int) -> np.ndarray:
        return self._sample(self._next_seed(), n).numpy()


class Exported:
    """The signatures of an exported SavedModel, as a server runs them. It doesn't train."""

    train_step = None

    def __init__(self, model: tfflows.FlowModel) -> None:
        self.num_parameters = model.count_params()
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "1"
            model.export(path)
            # The loaded object owns the variables that its signatures use.
            self._loaded = tf.saved_model.load(str(path))
        self._signatures = self._loaded.signatures
        self._next_seed = stateless_seeds()

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        return self._signatures["log_prob"](x=tf.constant(x))["log_prob"].numpy()

    def sample(self, n: int) -> np.ndarray:
        samples = self._signatures["sample"](
            n=tf.constant(n), seed=self._next_seed(), temperature=tf.constant(1.0)
        )
        return samples["x"].numpy()


def build(task: Task, data: np.ndarray, variant: str) -> Model | Exported:
    prepare(variant)
    return contestant(_model(task), task, data, variant)


def prepare(variant: str) -> None:
    """What TensorFlow has to know before it starts."""
    if variant == "parts":
        tf.config.threading.set_intra_op_parallelism_threads(1)


def _cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def contestant(
    model: tfflows.FlowModel, task: Task, data: np.ndarray, variant: str
) -> Model | Exported:
    return Exported(model) if variant == "exported" else Model(model, task, data, variant)


def _model(task: Task) -> tfflows.FlowModel:
    if task.name == "maf":
        model = tfflows.MAF(num_layers=task.layers, units=task.units)
    else:
        spline = tfflows.families.RationalQuadraticSpline(task.bins, task.bound)
        model = tfflows.RealNVP(
            num_couplings=task.layers,
            units=task.units,
            mask="half",
            family=spline if task.name == "spline" else "affine",
        )
    model.build((None, task.features))
    return model
