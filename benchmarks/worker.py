"""The process of one library: builds a flow, then works when asked.

It reads one request a line from standard input and answers each with a line of JSON; between
requests it sleeps in that read.
"""

import argparse
import importlib
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, TextIO

import numpy as np

from benchmarks.libraries import WORKS, Contestant
from benchmarks.tasks import TASKS, Task, Unavailable, batches


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    parser.add_argument("--variant", required=True)
    parser.add_argument("--task", required=True, choices=TASKS)
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()
    answers = _private_stdout()
    # Thread pools are sized by the processors that a process may use.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])

    def answer(**fields: Any) -> None:
        print(json.dumps(fields), file=answers, flush=True)

    try:
        task = TASKS[arguments.task]
        data = batches(task)
        contestant = _library(arguments.library, task).build(task, data, arguments.variant)
        works = calls(contestant, task, data)
        answer(parameters=contestant.num_parameters, **check(contestant, works, task, data))
        for line in sys.stdin:
            request = json.loads(line)
            answer(milliseconds=milliseconds(works[request["work"]], request["seconds"]))
    except Exception as error:
        answer(error=f"{type(error).__name__}: {error}".splitlines()[0])
        raise


def _library(name: str, task: Task) -> ModuleType:
    module = f"{task.package}.{name}"
    if importlib.util.find_spec(module) is None:
        raise Unavailable(f"{name} has no flow of images")
    return importlib.import_module(module)


def _private_stdout() -> TextIO:
    """The real standard output, for answers alone; what libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def calls(contestant: Contestant, task: Task, data: np.ndarray) -> dict[str, Callable]:
    """The works that this contestant does, as functions without arguments."""
    works = {
        "train_step": contestant.train_step,
        "log_prob": contestant.log_prob and (lambda: contestant.log_prob(data[0])),
        "sample": contestant.sample and (lambda: contestant.sample(task.samples)),
    }
    return {work: works[work] for work in WORKS if works[work]}


def check(
    contestant: Contestant,
    works: dict[str, Callable],
    task: Task,
    data: np.ndarray,
    steps: int = 12,
) -> dict[str, Any]:
    """Warm every work up, and see that the flow learns; sampling that makes no sense is left out.

    A flow may well learn and score, and have no use for an inverse that is not finite at its start.
    """
    losses = []
    if "train_step" in works:
        losses = [works["train_step"]() for _ in range(steps)]
        if not np.mean(losses[-5:]) < np.mean(losses[:5]):
            raise ArithmeticError(f"the loss doesn't go down: {losses}")
    if "sample" in works and "log_prob" in works:
        samples = contestant.sample(task.samples)
        if samples.shape != (task.samples, *task.event_shape):
            raise ArithmeticError(f"samples of a wrong shape: {samples.shape}")
        scores = contestant.log_prob(samples[: task.batch])
        if not (np.isfinite(samples).all() and np.isfinite(scores).all()):
            print("samples, or their log-densities, are not finite: left out", file=sys.stderr)
            del works["sample"]
    for call in works.values():
        call()
    return {"works": list(works), "losses": losses}


def milliseconds(call: Callable[[], Any], seconds: float) -> float:
    """Mean time of a call, over as many as fill ``seconds``."""
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        result = call()
        count += 1
    if not np.isfinite(result).all():
        raise ArithmeticError("a result is not finite any more")
    return 1e3 * elapsed / count


if __name__ == "__main__":
    main()
