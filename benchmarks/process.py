"""The driver's handle on a worker process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


class WorkerProcess:
    """One library's process. ``ask`` it for a block of work; it answers in milliseconds a call."""

    def __init__(
        self, library: str, variant: str, task: str, threads: int, python: str = sys.executable
    ) -> None:
        self.name = f"{library}:{variant}"
        self.library = library
        self.error: str | None = None
        command = [python, "-m", "benchmarks.worker", "--library", library, "--variant", variant]
        command += ["--task", task, "--threads", str(threads)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(threads),
        )

    def answer(self) -> dict[str, Any]:
        """The next answer; after a failure, ``error`` says what happened and there is none."""
        line = self._process.stdout.readline()
        fields = json.loads(line) if line else {"error": "the process died"}
        self.error = fields.get("error")
        return fields

    def ask(self, work: str, seconds: float) -> float | None:
        try:
            print(
                json.dumps({"work": work, "seconds": seconds}), file=self._process.stdin, flush=True
            )
        except BrokenPipeError:
            self.error = self.error or "the process died"
            return None
        return self.answer().get("milliseconds")

    def close(self) -> None:
        """End the process: it stops at the end of its input."""
        self._process.stdin.close()
        self._process.wait()


def environment(threads: int) -> dict[str, str]:
    """This process's environment, with the number of threads that each library reads."""
    root = str(Path(__file__).parents[1])
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")])),
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": str(threads),
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}",
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
