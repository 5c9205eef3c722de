"""Training that goes on where it was stopped, and the best weights by validation."""

from __future__ import annotations

import csv
import io
import os
import pathlib
import time

import keras
import numpy as np

from zoo.recipe import Recipe

COLUMNS = ("epoch", "step", "nll", "val_nll", "learning_rate", "seconds")


class Resume(keras.callbacks.Callback):
    """Saves the whole state of training after each epoch, in one file, atomically.

    The state: the variables of model and optimizer, the best weights by validation, the log so far
    (a row of `COLUMNS` an epoch), and the seconds spent. List it before `SwapEMAWeights`, so that
    the best weights are the averaged ones.

    Args:
        path: the file; beside it, `training.csv` is the log.
        recipe: what is trained; a state that it does not go on from is refused.
    """

    def __init__(self, path: pathlib.Path, recipe: Recipe):
        super().__init__()
        self.path, self.recipe, self.patience = path, recipe, recipe.training.patience
        self.log: list[list[float]] = []
        self.best_nll, self.best_epoch, self.best = np.inf, 0, []
        self.seconds = 0.0

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.log)

    @property
    def exhausted(self) -> bool:
        """Whether the patience is at its end."""
        return self.patience is not None and self.epoch - self.best_epoch >= self.patience

    def restore(self, model: keras.Model) -> None:
        """Puts the saved state, if there is one, into the model and its optimizer, both built.

        Raises:
            ValueError: the state is of another recipe.
        """
        if not self.path.exists():
            return
        with np.load(self.path, allow_pickle=False) as state:
            if not self.recipe.goes_on_from(str(state["recipe"])):
                raise ValueError(
                    f"{self.path} is the state of a training with another recipe; start afresh "
                    "(--fresh), or remove it."
                )
            for i, variable in enumerate(_variables(model)):
                variable.assign(state[f"variable_{i}"])
            self.best = [state[f"best_{i}"] for i in range(len(model.weights))]
            self.best_nll = float(state["best_nll"])
            self.best_epoch = int(state["best_epoch"])
            self.log = state["log"].tolist()
            self.seconds = float(state["seconds"])

    def restore_best(self, model: keras.Model) -> None:
        """Puts the best weights into the model."""
        model.set_weights(self.best)

    def on_train_begin(self, logs=None):
        self._started = time.monotonic() - self.seconds

    def on_test_end(self, logs=None):
        if logs["nll"] < self.best_nll:
            self.best_nll, self.best_epoch = float(logs["nll"]), self.epoch + 1
            self.best = [np.array(w) for w in self.model.get_weights()]

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = time.monotonic() - self._started
        numpy = keras.ops.convert_to_numpy
        rate = numpy(self.model.optimizer.learning_rate)
        step = numpy(self.model.optimizer.iterations)
        row = [epoch + 1, step, logs["nll"], logs["val_nll"], rate, self.seconds]
        self.log.append([float(value) for value in row])
        self.save()
        if self.exhausted:
            self.model.stop_training = True

    def save(self) -> None:
        """Writes the state and the log."""
        numpy = keras.ops.convert_to_numpy
        variables = {f"variable_{i}": numpy(v) for i, v in enumerate(_variables(self.model))}
        best = {f"best_{i}": weight for i, weight in enumerate(self.best)}
        state = io.BytesIO()
        np.savez(
            state,
            recipe=self.recipe.trained_by(),
            log=self.log,
            seconds=self.seconds,
            best_nll=self.best_nll,
            best_epoch=self.best_epoch,
            **variables,
            **best,
        )
        replace(self.path, state.getvalue())
        replace(self.path.with_name("training.csv"), self.csv().encode())

    def csv(self) -> str:
        """The log as CSV."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for epoch, step, nll, val_nll, rate, seconds in self.log:
            numbers = f"{nll:.5f}", f"{val_nll:.5f}", f"{rate:.3e}", f"{seconds:.1f}"
            writer.writerow([int(epoch), int(step), *numbers])
        return text.getvalue()


def replace(path: pathlib.Path, content: bytes) -> None:
    """Writes the file whole, or leaves what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]
