"""Training that goes on where it was stopped, and the best weights by validation."""

from __future__ import annotations

import csv
import io
import pathlib
import time

import keras
import numpy as np

from tfflows import saved_model
from tfflows.layer_paths import layer_paths
from tfflows.networks import CausalConvolution
from tfflows.weight_paths import weight_paths
from zoo import registry
from zoo.recipe import Recipe, recorded
from zoo.replace import replace
from zoo.state_file import read_state, write_state

THEN = ", then "
"""Between the machines of a training, in metadata and cards."""
COLUMNS = ("epoch", "step", "nll", "val_nll", "learning_rate", "seconds")


class Resume(keras.callbacks.Callback):
    """Saves the whole state of training after each epoch, in one file, atomically.

    The state: the variables of model and optimizer, the best weights by validation, the log so far
    (a row of `COLUMNS` an epoch), the seconds spent, on what, and in what precision. List it before
    `SwapEMAWeights`, so that the best weights are the averaged ones.

    Args:
        path: the file; beside it, `training.csv` is the log.
        recipe: what is trained; a state that it does not go on from is refused.
        writes: whether this process writes the files: of several workers, the chief.
        hardware: what this process trains on, in words.
        replaces: whether what is trained may replace an entry of another recipe; a state remembers.
    """

    def __init__(
        self,
        path: pathlib.Path,
        recipe: Recipe,
        writes: bool = True,
        hardware: str = "",
        replaces: bool = False,
    ):
        super().__init__()
        self.writes, self.hardware, self.replaces = writes, hardware, replaces
        self.path, self.recipe, self.patience = path, recipe, recipe.training.patience
        self.log: list[list[float]] = []
        self.best_nll, self.best_epoch, self.best = np.inf, 0, []
        self.seconds = self.seconds_before = 0.0  # of all, of the entry that it began with
        self.trained_on: list[str] = []
        self.trained_in: list[str] = []  # dtype policies

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.log)

    @property
    def exhausted(self) -> bool:
        """Whether the patience is at its end."""
        if self.patience is None:
            return False
        # A restart of the schedule makes things worse at first, and has all the patience again.
        training = self.recipe.training
        begun = [epochs // training.epochs_per_validation for epochs in training.restarts]
        since = max([self.best_epoch, *(epoch for epoch in begun if epoch <= self.epoch)])
        return self.epoch - since >= self.patience

    def restore(self, model: keras.Model) -> bool:
        """Puts the saved state, if there is one, into the model and its optimizer, both built.

        Returns:
            Whether there is one.

        Raises:
            ValueError: the state is of another recipe, or damaged.
        """
        if not self.path.exists():
            return False
        state = read_state(self.path)
        if not self.recipe.goes_on_from(str(state["recipe"])):
            raise ValueError(
                f"{self.path} is the state of a training with another recipe; start afresh "
                "(--fresh), or remove it."
            )
        variables = _variables(model)
        names = [f"variable_{i}" for i in range(len(variables) + 1)]
        shapes = [state[name].shape for name in names if name in state]
        if shapes != [tuple(variable.shape) for variable in variables]:
            raise ValueError(
                f"{self.path} was saved by another version: its weights are not those of the "
                "model and its optimizer now; start afresh (--fresh), or remove it."
            )
        for i, variable in enumerate(variables):
            variable.assign(state[f"variable_{i}"])
        if "best_0" in state:
            self.best = [state[f"best_{i}"] for i in range(len(model.weights))]
        self.best_nll = float(state["best_nll"])
        self.best_epoch = int(state["best_epoch"])
        self.log = state["log"].tolist()
        self.seconds = float(state["seconds"])
        self.seconds_before = float(state.get("seconds_before", 0.0))
        self.trained_on = state["trained_on"].tolist()
        self.trained_in = state["trained_in"].tolist() if "trained_in" in state else []
        self.replaces = bool(state.get("replaces", True))
        self._check_not_stopped(str(state["recipe"]), self.path)
        return True

    def restore_entry(self, model: keras.Model, entry: str) -> None:
        """Goes on from a trained entry: from its best weights, its log and its step.

        An artifact does not hold the moments of the optimizer: they begin at zero, which a warm-up
        after a restart of the schedule gives the time for.

        Args:
            model: with its optimizer, both built.
            entry: its name or its path, as `registry.path` takes it.

        Raises:
            ValueError: the entry's recipe was not the beginning of this one.
        """
        artifact = registry.path(entry)
        metadata = saved_model.read(artifact)["metadata"]
        trained_by = recorded(metadata, entry).trained_by()
        if not self.recipe.goes_on_from(trained_by):
            raise ValueError(
                f"{entry} was trained by a recipe that {self.recipe.name} does not go on from: "
                "they should differ in more `epochs`, and added `restarts` and their rates, alone."
            )
        with (artifact.parent / "training.csv").open() as file:
            self.log = [[float(row[name]) for name in COLUMNS] for row in csv.DictReader(file)]
        self.best = saved_model.load(artifact).get_weights()
        self.best_nll = metadata["metrics"]["val_nll"]
        self.best_epoch = metadata["metrics"]["best_epoch"]
        self.seconds = self.log[-1][-1]
        self.seconds_before = 3600 * metadata.get("hours_before", 0.0)
        self.trained_on, self.trained_in = _trained(metadata)
        self._check_not_stopped(trained_by, entry)
        model.set_weights(self.best)
        _begin_at(model, step=int(self.log[-1][COLUMNS.index("step")]))

    def begin_with(self, model: keras.Model, name: str) -> None:
        """Puts the weights of the entry `name` into the model, and counts the time they took.

        What the model has beyond them, for a condition say, is left as it is. Causal convolutions
        may see more pixels than the entry's: they begin as those. Call it before `adapt`, which
        leaves alone what has been initialized.

        Raises:
            ValueError: a weight of the entry is none of the model's, or has another shape.
        """
        directory = registry.path(name)
        own, theirs = weight_paths(model), weight_paths(saved_model.load(directory))
        layers = {"/".join(path): layer for path, layer in layer_paths(model)}
        for path, weight in theirs.items():
            parent, _, kind = path.rpartition("/")
            weight = _extended(layers.get(parent), kind, weight)
            if path not in own or own[path].shape != weight.shape:
                found = own[path].shape if path in own else "none of that name"
                raise ValueError(
                    f"{self.recipe.name} cannot begin with {name}, of which it should have all "
                    f"weights. Expected: {path} of shape {weight.shape}. Received: {found}."
                )
            own[path].assign(weight)
        metadata = saved_model.read(directory)["metadata"]
        self.seconds = self.seconds_before = 3600 * metadata["hours"]
        self.trained_on, self.trained_in = _trained(metadata)

    def _check_not_stopped(self, trained_by, where):
        """What restarts the schedule begins where that came to its end, not where patience did."""
        if self.exhausted and self.recipe.trained_by() != trained_by:
            raise ValueError(
                f"{where} was stopped by its patience after {self.epoch} validations, before the "
                "end of its schedule: there is nothing that a restart could follow."
            )

    def restore_best(self, model: keras.Model) -> None:
        """Puts the best weights into the model; ValueError if there are none."""
        if not self.best:
            raise ValueError(
                f"{self.path.parent}: no validation gave a finite log-density, so there are no "
                "best weights. Try a lower learning rate, and start afresh (--fresh)."
            )
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
        now = (self.trained_on, self.hardware), (self.trained_in, self.model.dtype_policy.name)
        for seen, value in now:
            if value not in seen:
                seen.append(value)
        self.save()
        if self.exhausted:
            self.model.stop_training = True

    def save(self) -> None:
        """Writes the state and the log."""
        numpy = keras.ops.convert_to_numpy
        # All workers read, since what a metric has summed up lies with all of them.
        variables = {f"variable_{i}": numpy(v) for i, v in enumerate(_variables(self.model))}
        if not self.writes:
            return
        best = {f"best_{i}": weight for i, weight in enumerate(self.best)}
        state = {
            "recipe": self.recipe.trained_by(),
            "log": self.log,
            "seconds": self.seconds,
            "seconds_before": self.seconds_before,
            "trained_on": self.trained_on,
            "trained_in": self.trained_in,
            "best_nll": self.best_nll,
            "best_epoch": self.best_epoch,
            "replaces": self.replaces,
        }
        write_state(self.path, state | variables | best)
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


def _extended(layer, kind, weight):
    """The kernel of a causal convolution that sees less than `layer`, as its own; else as it is."""
    is_kernel = kind == "direction" and isinstance(layer, CausalConvolution)
    return layer.extend(weight) if is_kernel and layer.sees_all_of(weight) else weight


def _trained(metadata) -> tuple[list[str], list[str]]:
    """On what, and in what precision."""
    precision = metadata["dtype"].split(THEN) if "dtype" in metadata else []
    return metadata["hardware"].split(THEN), precision


def _begin_at(model, step):
    optimizer = model.optimizer
    optimizer.iterations.assign(step)
    if optimizer.use_ema:  # past its first step, an average that is not set would start at zero
        averages = optimizer._model_variables_moving_average
        for average, weight in zip(averages, model.trainable_variables, strict=True):
            average.assign(weight)


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]
