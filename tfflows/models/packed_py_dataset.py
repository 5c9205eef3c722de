"""A dataset in Python, as Keras's fit wants it."""

from __future__ import annotations

from collections.abc import Callable

import keras

from tfflows.models.parts import parts


class PackedPyDataset(keras.utils.PyDataset):
    """Batches of `x`, of `(x, condition)` or of `(x, condition, weight)`, as Keras takes them.

    Args:
      data: a `keras.utils.PyDataset` of such batches.
      inputs: from the parts of a batch to what Keras takes.
    """

    def __init__(self, data: keras.utils.PyDataset, inputs: Callable):
        super().__init__(data.workers, data.use_multiprocessing, data.max_queue_size)
        self.data = data
        self.inputs = inputs

    @property
    def num_batches(self) -> int | None:
        return self.data.num_batches

    def __getitem__(self, index):
        return self.inputs(*parts(self.data[index]))

    def on_epoch_begin(self) -> None:
        self.data.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self.data.on_epoch_end()
