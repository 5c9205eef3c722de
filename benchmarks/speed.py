"""How fast the libraries do the same work: ``python -m benchmarks.speed --task maf``.

Each row is a process of its own. They are built and warmed up first, two at a time; then they work
in turn, one at a time, in rounds, so that a busy moment of the machine falls on all of them alike.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.libraries import OURS, VARIANTS, WORKS, rows
from benchmarks.process import WorkerProcess
from benchmarks.table import ratios, table
from benchmarks.tasks import DESCRIPTIONS, TASKS


def main() -> None:
    arguments = _parse()
    machine, results = _machine(), []
    if machine["load"] > 0.5:
        print(f"The machine is busy (load {machine['load']:.1f}): expect the ratios to be off.")
    for task in arguments.task:
        print(f"\n{task}: {DESCRIPTIONS[task]}; {arguments.threads} threads")
        measured = run(task, arguments)
        print(table(measured))
        print(ratios(measured))
        results.append({"task": task, "threads": arguments.threads, "rows": measured})
        if arguments.json:
            text = json.dumps({"machine": machine, "results": results}, indent=1)
            arguments.json.write_text(text)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--task", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument(
        "--libraries",
        nargs="+",
        default=list(VARIANTS),
        metavar="LIBRARY[:VARIANT]",
        help="from: " + ", ".join(f"{k}:{v}" for k, vs in VARIANTS.items() for v in vs),
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.4, help="length of a block of work")
    parser.add_argument("--json", type=Path, help="where to write all figures")
    parser.add_argument(
        "--python",
        nargs="+",
        default=[],
        metavar="LIBRARY=INTERPRETER",
        help="for a library that lives in another environment",
    )
    return parser.parse_args()


def run(task: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Build all, then measure all in interleaved rounds."""
    pythons = dict(pair.split("=", 1) for pair in arguments.python)

    def build(row: tuple[str, str]) -> tuple[WorkerProcess, dict[str, Any]]:
        library, variant = row
        python, start = pythons.get(library, sys.executable), time.perf_counter()
        worker = WorkerProcess(library, variant, task, arguments.threads, python)
        workers.append(worker)
        answer = worker.answer()
        text = worker.error or f"ready after {time.perf_counter() - start:.0f} s"
        print(f"{worker.name}: {text}", file=sys.stderr, flush=True)
        return worker, answer

    workers: list[WorkerProcess] = []
    try:
        # Two at a time: importing and compiling take one core; thread pools of more than two, which
        # spin at their barriers, would starve each other.
        with ThreadPoolExecutor(max_workers=2) as pool:
            built = dict(pool.map(build, rows(arguments.libraries)))
        workers = list(built)  # in the order of the table
        blocks = {
            worker: {work: [] for work in built[worker].get("works", [])} for worker in workers
        }
        for _ in range(arguments.rounds):
            for work in WORKS:
                for worker in workers:
                    if work in blocks[worker] and worker.error is None:
                        blocks[worker][work].append(worker.ask(work, arguments.seconds))
    finally:
        for worker in workers:
            worker.close()
    return [_row(worker, built[worker], blocks[worker]) for worker in workers]


def _row(worker: WorkerProcess, built: dict, blocks: dict[str, list]) -> dict[str, Any]:
    row = {"name": worker.name, "ours": worker.library == OURS, "error": worker.error}
    if worker.error is None:
        row["parameters"] = built["parameters"]
        row["median_ms"] = {work: statistics.median(times) for work, times in blocks.items()}
        row["min_ms"] = {work: min(times) for work, times in blocks.items()}
        row["blocks_ms"] = blocks
    return row


def _machine() -> dict[str, Any]:
    return {"processors": os.cpu_count(), "platform": platform.platform(), "load": _load()}


def _load() -> float:
    """Processes that wanted to run in the last minute, ours not yet among them."""
    return os.getloadavg()[0]


if __name__ == "__main__":
    main()
