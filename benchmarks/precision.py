"""Networks in bfloat16 against float32, on shipped entries: ``python -m benchmarks.precision``.

The flow, its log-determinants and the heads of the couplings are in float32 in both; the networks
that condition them are not. For each entry, on test images with the same noise:

* ``step``: milliseconds of a training step of the recipe's batch, the fastest of some;
* ``round trip``: the largest error of the inverse after the forward map, in levels of a pixel;
* ``bits/dim``: of the same images, by the same weights.
"""

import time

import numpy as np
import tensorflow as tf

from benchmarks import command_line
from tfflows import DensityModel
from zoo import recipe as recipes
from zoo import registry
from zoo.optimizer import make_optimizer
from zoo.precision import has_bfloat16

POLICIES = "float32", "mixed_bfloat16"


def main() -> None:
    parser = command_line.parser("precision", __doc__)
    names = ["glow_mnist", "realnvp_mnist", "flowpp_mnist", "glow_cifar10"]
    parser.add_argument("--entries", nargs="+", default=names)
    parser.add_argument("--images", type=int, default=64)
    arguments = parser.parse_args()
    print(f"instructions for products in bfloat16: {'yes' if has_bfloat16() else 'no'}")
    print(f"{'entry':<16} {'networks':<14} {'step ms':>8} {'round trip':>10} {'bits/dim':>8}")
    for name in arguments.entries:
        for policy in POLICIES:
            step, error, bits = measure(name, policy, arguments.images)
            print(f"{name:<16} {policy:<14} {step:8.0f} {error:10.1e} {bits:8.4f}", flush=True)


def measure(name: str, policy: str, images: int) -> tuple[float, float, float]:
    recipe = recipes.find(name)
    shipped = registry.load(name)
    model = recipe.make_model(dtype=policy)
    model.build_from_config(shipped.get_build_config())
    model.set_weights(shipped.get_weights())
    x = tf.constant(recipe.data.load().arrays("test")[0][:images])
    bits = float(tf.reduce_mean(model.bits_per_dim(x, seed=(0, 0))))
    error = round_trip(model, x)
    return step_time(model, recipe, x), error, bits  # last: steps change the weights


def round_trip(model: DensityModel, x: tf.Tensor) -> float:
    noisy = tf.cast(x, tf.float32) + np.random.default_rng(0).random(x.shape, "float32")
    there = tf.function(model.flow.forward_and_log_det)(noisy)[0]
    back = tf.function(model.flow.inverse_and_log_det)(tf.identity(there))[0]
    return float(tf.reduce_max(tf.abs(back - noisy)))


def step_time(model: DensityModel, recipe: recipes.Recipe, x: tf.Tensor, times: int = 5) -> float:
    model.compile(make_optimizer(recipe.training, 1000), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    step, batch = tf.function(model.train_step), (x[: recipe.training.batch_size],)
    step(batch)
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        step(batch)
        seconds.append(time.perf_counter() - start)
    return 1000 * min(seconds)


if __name__ == "__main__":
    main()
