"""Stops training that has gone wrong."""

from __future__ import annotations

import math

import keras


class NonFiniteGuard(keras.callbacks.Callback):
    """Raises a FloatingPointError at a loss that is NaN or infinite; puts the weights back.

    The weights go back to those of the beginning of the epoch, the last that are known to be
    good: by the time a loss is seen, the step that follows from it has been taken.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self.good = [w.numpy() for w in self.model.weights]

    def on_train_batch_end(self, batch, logs=None):
        loss = float((logs or {}).get("loss", 0.0))
        if math.isfinite(loss):
            return
        for weight, value in zip(self.model.weights, self.good):
            weight.assign(value)
        raise FloatingPointError(
            f"The loss is {loss} in epoch {self.epoch + 1}, batch {batch + 1}. The weights are "
            "again those of the beginning of that epoch. Look for NaN or extreme values in the "
            "data, lower the learning rate, or clip gradients (`global_clipnorm=...`)."
        )
