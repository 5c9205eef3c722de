"""Stops training that has gone wrong."""

from __future__ import annotations

import math

import keras

INTERVAL = 200
"""Batches between two copies of the state of training."""


class NonFiniteGuard(keras.callbacks.Callback):
    """Raises a FloatingPointError at a loss that is NaN or infinite; puts the weights back.

    Weights and the optimizer's variables, its moments, go back to the last that are known to be
    good: by the time a loss is seen, the step that follows from it has been taken, so that a copy
    is good once the next loss, which is computed from it, is finite. A copy is made when an epoch
    begins and after each `INTERVAL` batches.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self.good, self.newest = self._copy(0), None

    def on_train_batch_end(self, batch, logs=None):
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            self._stop(loss, batch + 1)
        if self.newest is not None:
            self.good, self.newest = self.newest, None
        if (batch + 1) % INTERVAL == 0:
            self.newest = self._copy(batch + 1)

    def _variables(self):
        return [*self.model.weights, *self.model.optimizer.variables]

    def _copy(self, batches):
        return batches, [keras.ops.convert_to_numpy(v) for v in self._variables()]

    def _stop(self, loss, batch):
        batches, values = self.good
        for variable, value in zip(self._variables(), values, strict=True):
            variable.assign(value)
        when = f"after batch {batches}" if batches else "at the beginning"
        raise FloatingPointError(
            f"The loss is {loss} in epoch {self.epoch + 1}, batch {batch}. Weights and optimizer "
            f"are again as they were {when} of that epoch. Look for NaN or extreme values in the "
            "data, lower the learning rate, or clip gradients (`global_clipnorm=...`)."
        )
