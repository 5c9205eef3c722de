"""The whole path in two minutes: `python -m zoo.demo`.

Loads a pretrained entry, scores and samples held-out data; fits a small flow on a table, exports
it, loads it as a Keras model and, in a process that imports TensorFlow alone, as a SavedModel.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import keras
import matplotlib
import numpy as np

import tfflows
import zoo

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  the backend is chosen first

SERVE = """
import sys
import numpy as np, tensorflow as tf
x = np.load(sys.argv[2])
served = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
np.save(sys.argv[3], served(x=tf.constant(x))["log_prob"].numpy())
assert "tfflows" not in sys.modules and "tensorflow_probability" not in sys.modules
"""


def pretrained(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict]:
    """Held-out rows, their scores and samples of a shipped entry, and what was measured."""
    begin = time.perf_counter()
    model = zoo.load(name)
    loaded = time.perf_counter() - begin
    data = zoo.data.load(zoo.registry.metadata(name)["recipe"]["data"]["name"])
    rows = zoo.data.dequantized(data, "test")
    scores = model.predict(rows, verbose=0)
    samples = model.sample(len(rows), seed=0).numpy()
    return rows, scores, samples, {
        f"{name}: load (s)": loaded,
        f"{name}: mean log-density of {len(rows)} held-out rows (nats)": scores.mean(),
        f"{name}: mean log-density of its own samples (nats)": model.predict(
            samples, verbose=0
        ).mean(),
    }  # fmt: skip


def fit(table: str, epochs: int) -> tuple[tfflows.MAF, np.ndarray, dict]:
    """A small MAF fitted on a table, its held-out rows, and what was measured."""
    data = zoo.data.load(table)
    train, test = (zoo.data.dequantized(data, split) for split in ("train", "test"))
    keras.utils.set_random_seed(0)
    model = tfflows.MAF(num_layers=3, units=(64, 64))
    model.compile(keras.optimizers.Adam(3e-3, global_clipnorm=5.0))
    begin = time.perf_counter()
    model.fit(train, batch_size=256, epochs=epochs)
    seconds = time.perf_counter() - begin
    nll = model.evaluate(test, verbose=0, return_dict=True)["nll"]
    return model, test, {f"maf on {table}: fit (s)": seconds, f"maf on {table}: test nll": nll}


def reload_both_ways(model: tfflows.MAF, rows: np.ndarray, directory: Path) -> dict:
    """Exports, loads as Keras model and as bare SavedModel; raises unless all agree."""
    served = directory / "served" / "1"
    model.export(served)
    inputs, outputs = directory / "rows.npy", directory / "scores.npy"
    np.save(inputs, rows)
    subprocess.run([sys.executable, "-c", SERVE, served, inputs, outputs], check=True)
    expected = model.log_prob(rows).numpy()
    again = np.abs(tfflows.load(served).log_prob(rows).numpy() - expected).max()
    bare = np.abs(np.load(outputs) - expected).max()
    if max(again, bare) > 1e-3:
        raise AssertionError(f"The reloaded models differ by {again} and {bare} nats.")
    return {"reloaded as Keras model: largest difference (nats)": again,
            "served without this library: largest difference (nats)": bare}  # fmt: skip


def picture(rows, scores, samples, path: Path) -> None:
    """Held-out rows coloured by log-density beside samples, first two columns."""
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 4), sharex=True, sharey=True)
    shown = axes[0].scatter(rows[:, 0], rows[:, 1], c=scores, s=4)
    axes[0].set_title("held-out data, log-density in nats")
    axes[1].scatter(samples[:, 0], samples[:, 1], s=4)
    axes[1].set_title("samples")
    figure.colorbar(shown, ax=axes)
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entry", default="nsf_power_plant")
    parser.add_argument("--table", default="winequality_white")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--output", type=Path, default=Path("demo"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    rows, scores, samples, measured = pretrained(options.entry)
    picture(rows, scores, samples, options.output / "demo.png")
    model, test, more = fit(options.table, options.epochs)
    measured |= more | reload_both_ways(model, test, options.output)
    print(f"\nlook at {options.output / 'demo.png'}\n")
    for what, value in measured.items():
        print(f"{what:<75} {value:10.4g}")


if __name__ == "__main__":
    main()
