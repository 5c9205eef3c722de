"""What clipping does to the first steps of a recipe: ``python -m benchmarks.clipping``.

The recipe's model learns its data twice, from the same start: with the norm of the gradient of all
weights (of a mean over images, in nats) clipped at 50, and not at all. Adam, with the recipe's
batches and learning rate after its warm-up; a line every 100 steps, with means over these.

On one core of a Xeon with amx_bf16, mixed_bfloat16, of pixelcnnpp_mnist:
"""

import argparse
import os
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import tensorflow as tf

from zoo.data import batches
from zoo.precision import training_dtype
from zoo.recipe import Recipe, find

WARM_UP = 300


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.clipping",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--recipe", default="pixelcnnpp_mnist")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--clip", nargs="+", type=float, default=[50.0, np.inf])
    arguments = parser.parse_args()
    for clip in arguments.clip:
        print(f"clipped at {clip:g}")
        for step, bits, norm in learn(find(arguments.recipe), clip, arguments.steps):
            print(f"{step:5d} steps: {bits:.3f} bits/dim, norms {norm:.0f}", flush=True)


def learn(recipe: Recipe, clip: float, steps: int) -> Iterator[tuple[int, float, float]]:
    """After each 100 steps: their number, bits per dimension, and the median norm."""
    data, training = recipe.data.load(), recipe.training
    keras.utils.set_random_seed(training.seed)
    rows = batches(data, "train", training.batch_size, training.seed, flip=training.flip)
    model = recipe.make_model(dtype=training_dtype(recipe))
    model.adapt(rows, num_examples=training.adapt_rows)
    optimizer = keras.optimizers.Adam(training.learning_rate)
    optimizer.build(model.trainable_variables)

    @tf.function
    def learn_from(inputs):
        with tf.GradientTape() as tape:
            nll = -tf.reduce_mean(model(inputs, training=True))
        gradients = tape.gradient(nll, [v.value for v in model.trainable_variables])
        clipped, norm = tf.clip_by_global_norm(gradients, clip)
        optimizer.apply_gradients(zip(clipped, model.trainable_variables))
        return nll / data.nats_per_bit, norm

    seen = []
    for step, inputs in enumerate(rows.take(steps), 1):
        optimizer.learning_rate = training.learning_rate * min(1, step / WARM_UP)
        seen.append([float(v) for v in learn_from(inputs)])
        if step % 100 == 0:
            bits, norms = zip(*seen[-100:])
            yield step, np.mean(bits), np.median(norms)


if __name__ == "__main__":
    main()
