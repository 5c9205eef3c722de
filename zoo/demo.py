"""The whole path in two minutes: `python -m zoo.demo`.

Loads a pretrained entry, scores held-out rows and samples; fits a small flow on a table, exports
it, loads it as a Keras model and, in a process that imports TensorFlow alone, as a SavedModel.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure

import tfflows
from zoo import data as datasets
from zoo import plots, registry
from zoo.evaluate import mean_and_error
from zoo.recipe import recorded

PREFERRED = "nsf_power_plant"
TABLE = "winequality_white"
EPOCHS = 20
BATCH_SIZE = 256

SERVE = """
import sys
import numpy as np
import tensorflow as tf

directory, rows, scores = sys.argv[1:]
log_prob = tf.saved_model.load(directory).signatures["log_prob"]
np.save(scores, log_prob(x=tf.constant(np.load(rows)))["log_prob"])
assert "tfflows" not in sys.modules
assert "tensorflow_probability" not in sys.modules
"""

Measured = dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("demo"), help="gets what is written")
    output = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    names = list(registry.trained())
    if not names:
        parser.error(f"there is no pretrained entry in {registry.root()}")
    picture = output / "demo.png"
    measured = pretrained(PREFERRED if PREFERRED in names else names[0], picture)
    model, rows, more = fit()
    measured |= more | exported(model, rows, output)
    print(f"\nPicture: {picture}\n")
    for what, value in measured.items():
        print(f"{what:<62} {value:>21}")


def pretrained(name: str, picture: Path) -> Measured:
    """Loads an entry, scores held-out rows and its own samples; writes the picture."""
    print(f"Loading {name}, scoring held-out rows, and sampling\n")
    model, seconds = timed(lambda: registry.load(name))
    data = _data(name)
    rows, (_, labels) = datasets.dequantized(data, "test"), data.arrays("test")
    scores = model.predict(rows, labels, verbose=0)
    samples, sampling = timed(lambda: model.sample(len(rows), labels, seed=0).numpy())
    own_scores = model.predict(samples, labels, verbose=0)
    if not write_density(picture):
        histogram(name, scores, own_scores, picture)
    mean, error = mean_and_error(scores)
    return {
        f"{name}: load": f"{seconds:.2f} s",
        f"  log-density of {len(rows)} held-out rows": f"{mean:.3f} ± {error:.3f} nats",
        f"  log-density of {len(rows)} samples": f"{own_scores.mean():.3f} nats",
        "  time to draw them, tracing included": f"{sampling:.2f} s",
    }


def fit() -> tuple[tfflows.MAF, np.ndarray, Measured]:
    """A small MAF of a table, its held-out rows, and what was measured."""
    print(f"Fitting a masked autoregressive flow to {TABLE}\n")
    data = datasets.load(TABLE)
    train, test = (datasets.dequantized(data, split) for split in ("train", "test"))
    keras.utils.set_random_seed(0)
    model = tfflows.MAF(num_layers=3, units=(64, 64))
    model.compile(keras.optimizers.Adam(2e-3, global_clipnorm=5.0))
    model.build((None, train.shape[1]))
    before = model.predict(test, verbose=0).mean()
    _, seconds = timed(lambda: model.fit(train, batch_size=BATCH_SIZE, epochs=EPOCHS))
    after = model.predict(test, verbose=0).mean()
    steps = int(model.optimizer.iterations.numpy())
    return model, test, {
        f"MAF on {TABLE}: fit, {steps} steps": f"{seconds:.1f} s",
        f"  log-density of {len(test)} held-out rows, before": f"{before:.3f} nats",
        f"  log-density of {len(test)} held-out rows, after": f"{after:.3f} nats",
    }  # fmt: skip


def exported(model: tfflows.MAF, rows: np.ndarray, output: Path) -> Measured:
    """Exports, loads as Keras model and as bare SavedModel; RuntimeError unless all agree."""
    print("\nExporting, and loading both ways")
    directory = output / "maf" / "1"
    model.export(directory)
    expected = model.predict(rows, verbose=0)
    keras_scores = tfflows.load(directory).predict(rows, verbose=0)
    scores = {"tfflows.load": keras_scores, "TensorFlow alone": served(directory, rows, output)}
    for how, values in scores.items():
        if not np.allclose(values, expected, rtol=1e-4, atol=1e-3):
            raise RuntimeError(
                f"The model loaded by {how} differs by {np.abs(values - expected).max()} nats."
            )
    return {
        f"  largest difference after export, {how}": f"{np.abs(values - expected).max():.1e} nats"
        for how, values in scores.items()
    }


def served(directory: Path, rows: np.ndarray, output: Path) -> np.ndarray:
    """Scores by the signature, in a process that imports TensorFlow and not this library."""
    inputs, outputs = output / "rows.npy", output / "scores.npy"
    np.save(inputs, rows)
    subprocess.run([sys.executable, "-c", SERVE, directory, inputs, outputs], check=True)
    return np.load(outputs)


def write_density(picture: Path) -> bool:
    """Plots the first entry of 2-D data, if there is one."""
    for name in reversed(registry.trained()):
        data = _data(name)
        if data.plot_range is not None:
            plots.density(registry.load(name), data, picture)
            return True
    return False


def histogram(name: str, scores: np.ndarray, own_scores: np.ndarray, picture: Path) -> None:
    """The scores of held-out rows beside those of the model's own samples."""
    bins = np.linspace(*np.percentile(np.concatenate([scores, own_scores]), [0.5, 100]), 50)
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.hist(scores, bins, alpha=0.6, label="held-out rows")
    axes.hist(own_scores, bins, alpha=0.6, label="the model's samples")
    axes.set(title=name, xlabel="log-density (nats)", ylabel="count")
    axes.legend()
    figure.savefig(picture, dpi=100)


def timed(function):
    """What the function returns, and the seconds it took."""
    begin = time.perf_counter()
    return function(), time.perf_counter() - begin


def _data(name: str) -> datasets.DataSet:
    return recorded(registry.metadata(name), name).data.load()


if __name__ == "__main__":
    main()
