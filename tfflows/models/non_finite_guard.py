"""Stops training that has gone wrong."""

from __future__ import annotations

import math

import keras
import numpy as np

INTERVAL = 200
"""Batches between two copies of the state of training."""


class NonFiniteGuard(keras.callbacks.Callback):
    """Raises a FloatingPointError at a loss that is NaN or infinite; puts the weights back.

    Weights and the optimizer's variables, its moments, go back to the last that are known to be
    good: by the time a loss is seen, the step that follows from it has been taken, so that a copy
    is good once the next loss, which is computed from it, is finite. A copy is made when training
    begins and after every `INTERVAL` batches, or as soon after them as there is a loss. What the
    last step leaves, no loss tells of: its weights are looked at themselves.
    """

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.batches, self.epoch, self.passed = 0, 0, 0
        self.good, self.newest = None, None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.epoch, self.passed = epoch, self.batches

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        if self.good is None:  # now: other callbacks may have put back weights when training began
            self.good = self._copy()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        loss = float((logs or {}).get("loss", 0.0))
        self.batches = self.passed + batch + 1
        if not math.isfinite(loss):
            self._stop(f"The loss is {loss} in epoch {self.epoch + 1}, batch {batch + 1}.")
        if self.newest is not None:
            self.good, self.newest = self.newest, None
        if self.batches - self.good[0] >= INTERVAL:
            self.newest = self._copy()

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.good is None:
            return
        # Steps move the trainable ones; of the others, some may be infinite on purpose.
        for weight in self.model.trainable_weights:
            if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
                self._stop(f"After the last batch, {weight.path} is NaN or infinite.")

    def _variables(self):
        return [*self.model.weights, *self.model.optimizer.variables]

    def _copy(self):
        return self.batches, [keras.ops.convert_to_numpy(v) for v in self._variables()]

    def _stop(self, what):
        batches, values = self.good
        for variable, value in zip(self._variables(), values, strict=True):
            variable.assign(value)
        raise FloatingPointError(
            f"{what} Weights and optimizer are again as they were {self.batches - batches} batches "
            "before. Look for NaN, extreme values, or values that the model excludes in the data, "
            "lower the learning rate, or clip gradients (`global_clipnorm=...`)."
        )
