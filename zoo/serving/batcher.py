"""Requests that come together are answered together."""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import dataclasses
from collections.abc import Mapping

import numpy as np

from zoo.serving.refusal import Refusal
from zoo.serving.served_model import ServedModel


@dataclasses.dataclass(eq=False)
class _Task:
    key: tuple
    inputs: Mapping[str, np.ndarray]
    rows: int
    answer: asyncio.Future


class Batcher:
    """Runs a model in a thread of its own, on what has come in while it was busy.

    Nobody waits for others: what is there is joined, along the rows, when the thread is free. One
    request that the graph refuses spoils no other: those of a refused batch are run one by one.

    Args:
        model: the model.
        max_rows: of a batch of several requests.
        max_waiting: requests; more are refused until there is room.
    """

    def __init__(self, model: ServedModel, max_rows: int = 64, max_waiting: int = 256) -> None:
        self.model = model
        self.max_rows, self.max_waiting = max_rows, max_waiting
        self._waiting: collections.deque[_Task] = collections.deque()
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "model")
        self._worker: asyncio.Task | None = None

    async def run(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """`ServedModel.run`, perhaps with others.

        Raises:
            Refusal: of the inputs, or of any request, while too many wait.
        """
        if len(self._waiting) >= self.max_waiting:
            message = "The batch scheduling queue to which this task was submitted is full"
            raise Refusal(message, 503)
        answer = asyncio.get_running_loop().create_future()
        key = signature, tuple((name, value.shape[1:]) for name, value in sorted(inputs.items()))
        rows = self._rows(signature, inputs)
        self._waiting.append(_Task(key, inputs, rows, answer))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await answer

    def close(self) -> None:
        """Ends the thread, after what it is at."""
        self._thread.shutdown()

    def _rows(self, signature, inputs):
        """How many there are; of what cannot be joined, more than a batch may have."""
        sizes = {value.shape[0] for value in inputs.values() if value.ndim}
        if self.model.is_row_wise(signature) and len(sizes) == 1:
            return sizes.pop()
        return self.max_rows + 1

    async def _work(self):
        while self._waiting:
            tasks = self._next_batch()
            await self._answer(tasks)
        self._worker = None

    def _next_batch(self):
        first = self._waiting.popleft()
        tasks, rows, others = [first], first.rows, collections.deque()
        for task in self._waiting:
            if task.key == first.key and rows + task.rows <= self.max_rows:
                tasks.append(task)
                rows += task.rows
            else:
                others.append(task)
        self._waiting = others
        return tasks

    async def _answer(self, tasks):
        joined = tasks[0].inputs
        if len(tasks) > 1:
            joined = {name: np.concatenate([t.inputs[name] for t in tasks]) for name in joined}
        call = self.model.run, tasks[0].key[0], joined
        try:
            outputs = await asyncio.get_running_loop().run_in_executor(self._thread, *call)
        except Exception as error:  # is what the request gets for an answer
            if len(tasks) == 1:
                _set(tasks[0].answer.set_exception, tasks[0], error)
                return
            for task in tasks:
                await self._answer([task])
            return
        end = 0
        for task in tasks:
            begin, end = end, end + task.rows
            whole = len(tasks) == 1
            own = outputs if whole else {name: v[begin:end] for name, v in outputs.items()}
            _set(task.answer.set_result, task, own)


def _set(setter, task, value):
    if not task.answer.done():  # nobody waits for it any more
        setter(value)
