"""How much memory a training step of a deep Glow takes: ``python -m benchmarks.memory``.

Glow on 64x64x3, 3 levels, 64 hidden filters, batches of 16, float32, Adam; each case in a process
of its own. Two growths of the resident memory up to its peak in three training steps, in MB:

* ``step``: from when the graph has run once, on one image: what the activations and gradients of
  a batch take. The ratios are of this.
* ``all``: from when weights and optimizer have been made: with the graph, its tracing and its
  optimization too.
"""

import argparse
import json
import subprocess
import sys
import time
from typing import Any

from benchmarks import command_line
from benchmarks.process import environment
from zoo.process_memory import forget_peak, memory_bytes

MODES = ("plain", "recompute", "reversible")
BATCH, SHAPE = 16, (64, 64, 3)


def main() -> None:
    parser = command_line.parser("memory", __doc__)
    parser.add_argument("--steps", nargs="+", type=int, default=[4, 8, 16, 32], help="K")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--case", nargs=2, metavar=("MODE", "K"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        mode, num_steps = arguments.case
        print(json.dumps(measure(mode, int(num_steps))))
        return
    print(
        f"{'K':>3} {'memory':<11} {'step MB':>8} {'all MB':>8} {'ratio':>6} {'s/step':>7} "
        f"{'first s':>7} tracing s"
    )
    for num_steps in arguments.steps:
        plain = None
        for mode in arguments.modes:
            row = in_new_process(mode, num_steps, arguments.threads)
            plain = row["step"] if mode == "plain" else plain
            ratio = "" if plain is None else f"{row['step'] / plain:.2f}"
            print(
                f"{num_steps:3d} {mode:<11} {row['step']:8.0f} {row['all']:8.0f} {ratio:>6} "
                f"{row['seconds']:7.2f} {row['first']:7.1f} {row['tracing']:9.1f}",
                flush=True,
            )


def in_new_process(mode: str, num_steps: int, threads: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.memory", "--case", mode, str(num_steps)]
    done = subprocess.run(
        command, env=environment(threads), stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def measure(mode: str, num_steps: int) -> dict[str, float]:
    """The case of this process: growths in MB; seconds of a step, of the first, of its tracing."""
    import keras
    import numpy as np
    import tensorflow as tf

    import tfflows

    memory = None if mode == "plain" else mode
    model = tfflows.Glow(num_levels=3, num_steps=num_steps, units=64, memory=memory, seed=1)
    x = np.random.default_rng(0).integers(0, 256, (BATCH, *SHAPE), "uint8")
    model.build((None, *SHAPE))
    model.adapt(x)
    model.compile(keras.optimizers.Adam(1e-4), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    signature = [(tf.TensorSpec([None, *SHAPE], tf.uint8),)]
    step = tf.function(model.train_step, input_signature=signature)

    before, start = resident(), time.perf_counter()
    step.get_concrete_function()
    tracing = time.perf_counter() - start
    step((tf.constant(x[:1]),))
    first = time.perf_counter() - start
    traced = resident()
    forget_peak()
    start = time.perf_counter()
    for _ in range(3):
        step((tf.constant(x),))
    seconds = (time.perf_counter() - start) / 3
    peak = megabytes("VmHWM")
    growth = {"step": peak - traced, "all": peak - before}
    return {**growth, "seconds": seconds, "first": first, "tracing": tracing}


def resident() -> float:
    """Resident memory in MB, less what the allocator keeps of freed memory."""
    import ctypes
    import gc

    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return megabytes("VmRSS")


def megabytes(field: str) -> float:
    return memory_bytes(field) / 2**20


if __name__ == "__main__":
    main()
