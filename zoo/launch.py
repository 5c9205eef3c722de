"""Several workers of one training on one machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Annotated

import typer

GRACE = 30.0
"""The seconds in which the others should stop by themselves, once a worker has failed."""
LAST_LINES = 5.0
"""The seconds in which what a dead worker has printed should have come out."""


def launch(
    context: typer.Context,
    workers: Annotated[int, typer.Option(help="How many.", min=1)] = 2,
    restarts: Annotated[
        int, typer.Option(help="How often all are started again after one has failed.", min=0)
    ] = 0,
) -> None:
    """Run a command of the zoo in several workers on this machine: launch --workers 2 train NAME.

    For CPUs, and for trying out what many machines will do; the GPUs of one machine need no
    workers, `train --strategy mirrored` takes them all.
    """
    command = [sys.executable, "-m", "zoo", *context.args]
    for attempt in range(restarts + 1):
        code = run(command, workers)
        # What the first attempt has saved is to be gone on from.
        command = [argument for argument in command if argument != "--fresh"]
        if not code or attempt == restarts:
            raise typer.Exit(code)
        print(f"Starting all workers again, {attempt + 1} of {restarts}.", file=sys.stderr)


def run(command: list[str], workers: int, grace: float = GRACE) -> int:
    """Runs a command in each worker, with TF_CONFIG set; their lines come out with their numbers.

    Args:
        command: the arguments of a process.
        workers: how many.
        grace: the seconds that the others have to stop by themselves once a worker has failed.

    Returns:
        The first exit code that is not 0, or 0; a worker that was killed counts as 1.
    """
    addresses = free_addresses(workers)
    processes, relays = [], []
    previous = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        for index in range(workers):
            processes.append(_start(command, addresses, index))
            relays.append(threading.Thread(target=_relay, args=(processes[-1], index), daemon=True))
            relays[-1].start()
        return _wait(processes, grace)
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for relay in relays:
            relay.join(LAST_LINES)
        signal.signal(signal.SIGTERM, previous)


def free_addresses(count: int) -> list[str]:
    """Addresses of this machine that nobody listens at."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _start(command, addresses, index):
    config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    threads = max(len(os.sched_getaffinity(0)) // len(addresses), 1)
    environment = {"TF_NUM_INTRAOP_THREADS": str(threads)} | os.environ
    return subprocess.Popen(
        command,
        env=environment | {"TF_CONFIG": json.dumps(config), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def _relay(process, index):
    for line in process.stdout:
        print(f"[worker {index}] {line}", end="", flush=True)


def _wait(processes, grace):
    failed_at, first = None, 0
    while True:
        codes = [process.poll() for process in processes]
        failed = [index for index, code in enumerate(codes) if code]
        if failed and failed_at is None:
            failed_at, first = time.monotonic(), codes[failed[0]]
            how = f"was killed by signal {-first}" if first < 0 else f"has failed ({first})"
            others = f"; the others are given {grace:.0f} s" if None in codes else ""
            print(f"Worker {failed[0]} {how}{others}.", file=sys.stderr)
        if None not in codes:
            return max(first, 1) if failed else 0
        if failed_at is not None and time.monotonic() - failed_at > grace:
            print("The others did not stop by themselves: they are killed.", file=sys.stderr)
            return max(first, 1)
        time.sleep(0.1)
