"""Lines that tell how a long epoch goes."""

from __future__ import annotations

import time

import keras


class Progress(keras.callbacks.Callback):
    """Prints the loss of the steps since the last line, every so many seconds.

    Args:
        seconds: from one line to the next.
    """

    def __init__(self, seconds: float = 60.0):
        super().__init__()
        self.seconds = seconds

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._start(batch=0, total=0.0)

    def on_train_batch_end(self, batch, logs=None):
        passed = time.monotonic() - self._begun
        if passed >= self.seconds:
            done = batch + 1
            total = done * float(logs["nll"])  # Keras gives the mean since the epoch began
            steps = done - self._batch
            print(self._line(done, (total - self._total) / steps, passed / steps), flush=True)
            self._start(done, total)

    def _start(self, batch, total):
        self._begun, self._batch, self._total = time.monotonic(), batch, total

    def _line(self, done, nll, seconds) -> str:
        unit = "nats"
        if self.model.is_discrete:
            nll, unit = nll / self.model.nats_per_bit, "bits/dim"
        where = f"{self._epoch + 1}/{self.params['epochs']}, step {done}/{self.params['steps']}"
        return f"{time.strftime('%H:%M:%S')} epoch {where}: {nll:.4f} {unit}, {seconds:.3f} s/step"
