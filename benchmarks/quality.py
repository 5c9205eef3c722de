"""How good our entries are: ``python -m benchmarks.quality --entries maf_power_plant``.

For each entry, nflows' model of the same architecture is trained with the budget of the entry's
recipe (batches, steps, Adam, schedule, clipping, noise, split, best weights by validation);
both are scored on the same test rows with the same noise. With ``--json``, what is done is kept,
and not done again as long as the recipe stays as it is.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

# TensorFlow only prepares batches and scores our model here.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import torch  # noqa: E402

# Optimizers import it, which crashes once TensorFlow is there.
import torch._dynamo  # noqa: E402, F401

from benchmarks.peer_model import KNOWN, peer_model  # noqa: E402
from benchmarks.peer_training import log_prob, train  # noqa: E402
from zoo import recipe as recipes  # noqa: E402
from zoo import registry  # noqa: E402
from zoo.data import dequantized  # noqa: E402
from zoo.evaluate import mean_and_error  # noqa: E402
from zoo.recipe import Recipe  # noqa: E402

HEADER = (
    f"{'entry':18}{'seed':>5}{'tfflows':>20}{'nflows':>20}{'ours - peer':>20}  parameters, verdict"
)


def main() -> None:
    arguments = _parse()
    # Networks this small are no faster with more threads, and much slower on a busy machine.
    torch.set_num_threads(1)
    done = _read(arguments.json)
    lines = [HEADER]
    for name in arguments.entries:
        recipe = recipes.find(name)
        for offset in range(arguments.seeds):
            peer = _find(done, recipe, recipe.training.seed + offset)
            if peer is None:
                peer = train_peer(recipe, recipe.training.seed + offset)
                done.append(peer)
                if arguments.json:
                    arguments.json.write_text(json.dumps(done))
            lines.append(compare(recipe, peer))
            print(lines[-1], file=sys.stderr, flush=True)
    print("\n".join([*lines, "test log-density in nats, with two standard errors"]))


def _parse() -> argparse.Namespace:
    comparable = [n for n in recipes.names() if recipes.find(n).model.class_name in KNOWN]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--entries", nargs="+", choices=comparable, default=comparable)
    parser.add_argument("--seeds", type=int, default=1, help="how often the peer is trained")
    parser.add_argument("--json", type=Path, help="keeps results; what is in it is not done again")
    return parser.parse_args()


def train_peer(recipe: Recipe, seed: int) -> dict[str, Any]:
    """The peer's model, trained and scored: its log-density of each test row, in nats."""

    def log(text: str) -> None:
        print(f"{recipe.name}, nflows, seed {seed}: {text}", file=sys.stderr, flush=True)

    torch.manual_seed(seed)
    flow = peer_model(recipe)
    training = train(flow, recipe, seed, log)
    evaluation = recipe.evaluation
    values = log_prob(flow, recipe.data.load(), evaluation.split, recipe, evaluation.seed)
    return {
        "entry": recipe.name,
        "seed": seed,
        "recipe": recipe.dump(),
        "parameters": sum(p.numel() for p in flow.parameters()),
        "training": training,
        "log_prob": [round(float(value), 5) for value in values],
    }


def compare(recipe: Recipe, peer: dict[str, Any]) -> str:
    """A line of the table. The error of the difference is of the paired differences, row by row."""
    theirs = np.array(peer["log_prob"])
    start = f"{recipe.name:18}{peer['seed']:>5}"
    if recipe.name not in registry.names():
        return f"{start}{'not trained':>20}{_figure(theirs):>20}"
    model, data = registry.load(recipe.name), recipe.data.load()
    x = dequantized(data, recipe.evaluation.split, recipe.evaluation.seed)
    labels = data.arrays(recipe.evaluation.split)[1]
    ours = model.predict(x, labels, batch_size=recipe.evaluation.batch_size, verbose=0)
    difference, error = mean_and_error(ours - theirs)
    verdict = "behind" if difference < -error else "level" if difference < error else "ahead"
    entry = recipes.parse(registry.metadata(recipe.name)["recipe"])
    if entry.trained_by() != recipe.trained_by():
        verdict += " (entry of another recipe)"
    figures = "".join(f"{_figure(values):>20}" for values in (ours, theirs, ours - theirs))
    parameters = f"{model.count_params():,} / {peer['parameters']:,}"
    return f"{start}{figures}  {parameters}, {verdict}"


def _figure(values: np.ndarray) -> str:
    mean, error = mean_and_error(values)
    return f"{mean:.3f} ± {error:.3f}"


def _read(path: Path | None) -> list[dict[str, Any]]:
    return json.loads(path.read_text()) if path and path.exists() else []


def _find(done: list[dict], recipe: Recipe, seed: int) -> dict[str, Any] | None:
    wanted = recipe.dump()
    return next((r for r in done if r["seed"] == seed and r["recipe"] == wanted), None)


if __name__ == "__main__":
    main()
