"""What it costs to serve a model: ``python -m benchmarks.serving [ENTRY ...]``.

Two things of each entry:

* a single row's ``log_prob`` through the SavedModel's signature, and through the Keras model's own
  compiled call, in turns in one process: median and 99th percentile of milliseconds, and the
  ratio of the medians;
* ``python -m zoo serve`` in a process of its own, and clients that each ask for the ``log_prob`` of
  one row after another, all at once: requests a second, median and 99th percentile, errors.
"""

import concurrent.futures
import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf

import zoo
from benchmarks import command_line
from tfflows.serving.endpoints import NOISE_SEED
from tfflows.serving.warm_up import example_inputs
from zoo import registry
from zoo.train import hardware

ENTRIES = ["nsf_power_plant", "maf_digits", "glow_mnist"]


def main() -> None:
    parser = command_line.parser("serving", __doc__)
    parser.add_argument("entries", nargs="*", default=ENTRIES)
    parser.add_argument("--calls", type=int, default=2000, help="of either, for the latency")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60, help="that the clients ask; 0: not")
    arguments = parser.parse_args()
    print(hardware(tf.distribute.get_strategy()))
    for name in arguments.entries:
        print(f"{name}, one row: {latency(name, arguments.calls)}", flush=True)
        if arguments.seconds:
            print(
                f"{name}, {arguments.clients} clients: "
                f"{load(name, arguments.clients, arguments.seconds)}",
                flush=True,
            )


def latency(name: str, calls: int) -> str:
    """Of the SavedModel and of Keras, in words."""
    loaded = tf.saved_model.load(str(registry.path(name)))
    served, model = loaded.signatures["log_prob"], zoo.load(name)
    inputs = example_inputs(served)
    specs = [tf.TensorSpec([None, *value.shape[1:]], value.dtype) for value in inputs.values()]
    compiled = tf.function(
        lambda *values: model.log_prob(*values, seed=NOISE_SEED), input_signature=specs
    )
    ask = {"SavedModel": lambda: served(**inputs), "Keras": lambda: compiled(*inputs.values())}
    times = {key: [] for key in ask}
    for i in range(calls + 100):
        for key, call in ask.items():
            seconds = _seconds(call)
            if i >= 100:
                times[key].append(seconds)
    medians = [np.median(times[key]) for key in ask]
    text = ", ".join(f"{key} {_percentiles(values)}" for key, values in times.items())
    return f"{text}, ratio {medians[0] / medians[1]:.2f}"


def load(name: str, clients: int, seconds: float) -> str:
    """What clients of the local server see, in words."""
    specs = tf.saved_model.load(str(registry.path(name))).signatures["log_prob"]
    instance = {key: value.numpy()[0].tolist() for key, value in example_inputs(specs).items()}
    body = json.dumps({"instances": [instance]}).encode()
    with _server(name) as port, concurrent.futures.ThreadPoolExecutor(clients) as pool:
        end = time.perf_counter() + seconds
        asked = [pool.submit(_client, port, name, body, end) for _ in range(clients)]
        times = [t for future in asked for t in future.result()[0]]
        errors = sum(future.result()[1] for future in asked)
    return f"{len(times) / seconds:.0f} a second, {_percentiles(times)}, {errors} errors"


@contextlib.contextmanager
def _server(name: str) -> Iterator[int]:
    command = [sys.executable, "-m", "zoo", "serve", name, "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        line = next(line for line in process.stderr if ":predict" in line)
        yield int(line.split(":")[2].split("/")[0])
    finally:
        process.terminate()
        process.wait()
        process.stderr.close()


def _client(port: int, name: str, body: bytes, end: float) -> tuple[list[float], int]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    times, errors = [], 0
    while time.perf_counter() < end:
        start = time.perf_counter()
        connection.request("POST", f"/v1/models/{name}:predict", body)
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - start)
        errors += answer.status != 200
    connection.close()
    return times, errors


def _percentiles(seconds: list[float]) -> str:
    median, last = 1e3 * np.percentile(seconds, [50, 99])
    return f"p50 {median:.2f} ms, p99 {last:.2f} ms"


def _seconds(call: Callable) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
