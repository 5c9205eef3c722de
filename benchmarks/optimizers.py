"""What Muon buys in the first steps of a recipe: ``python -m benchmarks.optimizers``.

A recipe's model learns for as many steps by Adam and by Muon (`tfflows.KernelMuon`), at several
learning rates, which rise for a fifth of the steps and fall to zero along a cosine; all else is the
recipe's, but no average of weights. Bits per dimension are of 500 images held out.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras

from zoo.data import batches
from zoo.optimizer import make_optimizer
from zoo.precision import training_dtype
from zoo.recipe import Recipe, TrainingRecipe, find

RATES = {"adam": [3e-3, 1e-2], "muon": [1e-2, 2e-2]}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.optimizers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = ["pixelcnnpp_local_cifar10", "pixelcnnpp_mnist", "glow_mnist"]
    parser.add_argument("--recipes", nargs="+", default=names)
    parser.add_argument("--steps", type=int, default=600)
    for optimizer, rates in RATES.items():
        parser.add_argument(f"--{optimizer}", nargs="*", type=float, default=rates, metavar="RATE")
    arguments = parser.parse_args()
    print(f"{arguments.steps} steps\n")
    print("| recipe | optimizer | learning rate | bits/dim | CPU seconds |")
    print("| --- | --- | ---: | ---: | ---: |")
    for name in arguments.recipes:
        for optimizer in RATES:
            for rate in getattr(arguments, optimizer):
                bits, seconds = learn(find(name), optimizer, rate, arguments.steps)
                row = f"| {name} | {optimizer} | {rate:g} | {bits:.3f} | {seconds:.0f} |"
                print(row, flush=True)


def learn(recipe: Recipe, optimizer: str, rate: float, steps: int) -> tuple[float, float]:
    """Bits per dimension, and the CPU seconds that learning took."""
    data, training = recipe.data.load(), trained_by(recipe.training, optimizer, rate)
    keras.utils.set_random_seed(training.seed)
    rows = batches(data, "train", training.batch_size, training.seed, flip=training.flip)
    model = recipe.make_model(dtype=training_dtype(recipe))
    model.compile(make_optimizer(training, steps), jit_compile=False)
    model.adapt(rows, num_examples=training.adapt_rows)
    start = time.process_time()
    model.fit(rows.repeat(), epochs=1, steps_per_epoch=steps, verbose=0)
    seconds = time.process_time() - start
    loss = model.evaluate(batches(data, "validation", 100, rows=500), verbose=0, return_dict=True)
    return loss["loss"] / data.nats_per_bit, seconds


def trained_by(training: TrainingRecipe, optimizer: str, rate: float) -> TrainingRecipe:
    schedule = {"schedule": "warmup_cosine", "epochs": 5, "warmup_epochs": 1, "restarts": ()}
    changes = {"optimizer": optimizer, "learning_rate": rate, "use_ema": False}
    return training.model_copy(update=schedule | changes)


if __name__ == "__main__":
    main()
