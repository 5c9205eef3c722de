"""Training on some pixels of many images, or on all of few: ``python -m benchmarks.some_pixels``.

A local PixelCNN++ of 0.72 M parameters learns CIFAR-10 for as many CPU seconds in each case, the
reading of images included: Adam, 3e-3, to zero by a cosine, gradients clipped as in the recipe
pixelcnnpp_local_cifar10_kernel_7. Then the variance of the gradient of each case is taken where the
first one ended, in units of Adam's second moments; information a second is the inverse of variance
by seconds of a step, against the first case.

On one core of an AMD EPYC with avx512_bf16, mixed_bfloat16, 360 CPU seconds, and with gradients
clipped at a norm of 50, by which less is learnt (`benchmarks/clipping.py`); bits per dimension of
1,000 images held out:

| images | pixels of each | ms a step | information a second | steps | bits per dimension |
| ---: | ---: | ---: | ---: | ---: | ---: |
| 32 | all 1,024 | 1,292 | 1 | 279 | 4.563 |
| 8 | all 1,024 | 327 | 1.3 | 1,102 | 4.132 |
| 256 | 32 | 357 | 31 | 1,008 | 4.016 |
"""

import os
import time
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import tensorflow as tf

import tfflows
import zoo.data
from benchmarks import command_line
from zoo.data.pipeline import batches
from zoo.recipe import find

CASES = [(32, None), (8, None), (256, 32)]
MODEL = {"units": 128, "num_blocks": 3, "num_levels": 1, "kernel_size": 1, "first_kernel_size": 7}
RATE = 3e-3
CLIP = find("pixelcnnpp_local_cifar10_kernel_7").training.global_clipnorm


def main() -> None:
    parser = command_line.parser("some_pixels", __doc__)
    parser.add_argument("--seconds", type=float, default=360, help="CPU seconds of each training")
    parser.add_argument("--gradients", type=int, default=12)
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    data = zoo.data.load("cifar10")
    at, reference = None, None
    for batch, pixels in CASES:
        model = fresh_model(data, pixels)
        steps, scales = learn(model, images(data, batch), arguments.seconds)
        text = f"{steps} steps, {held_out(model, data):.3f} bits per dimension"
        at = at or (model.get_weights(), scales)
        model.set_weights(at[0])
        seconds, variance = noise(model, images(data, batch), at[1], arguments.gradients)
        reference = reference or variance * seconds
        information = reference / (variance * seconds)
        text += f", {1e3 * seconds:.0f} ms a gradient, information a second {information:.1f}"
        print(f"{batch} images, {pixels or 'all'} pixels: {text}", flush=True)


def fresh_model(data: zoo.data.DataSet, pixels: int | None) -> tfflows.PixelCNNPlusPlus:
    keras.utils.set_random_seed(1)
    model = tfflows.PixelCNNPlusPlus(
        **MODEL, pixels_per_image=pixels, seed=1, dtype="mixed_bfloat16"
    )
    model.adapt(next(images(data, 128)))
    return model


def images(data: zoo.data.DataSet, batch: int) -> Iterator[np.ndarray]:
    pairs = batches(data, "train", batch, seed=1, flip=True).as_numpy_iterator()
    return (x for x, _ in pairs)


def held_out(model: tfflows.PixelCNNPlusPlus, data: zoo.data.DataSet) -> float:
    rows = batches(data, "validation", 100, rows=1000).as_numpy_iterator()
    return float(np.mean([model.bits_per_dim(x) for x, _ in rows]))


def learn(model, stream, budget: float) -> tuple[int, list]:
    """How many steps there was time for, and the roots of Adam's second moments."""
    adam = keras.optimizers.Adam(0.0, global_clipnorm=CLIP)
    adam.build(model.trainable_variables)

    @tf.function
    def step(x):
        adam.apply_gradients(zip(gradients(model, x), model.trainable_variables))

    step(next(stream))  # traced before the clock starts
    count, start = 0, time.process_time()
    while (share := (time.process_time() - start) / budget) < 1:
        adam.learning_rate = RATE * min(1, share / 0.03) * (1 + np.cos(np.pi * share)) / 2
        step(next(stream))
        count += 1
    return count, [tf.sqrt(v.value) + 1e-12 for v in adam._velocities]


def noise(model, stream, scales, count: int) -> tuple[float, float]:
    """CPU seconds of a gradient, and the sum of the variances of its elements, scaled."""
    scaled = tf.function(
        lambda x: tf.concat(
            [tf.reshape(g / s, [-1]) for g, s in zip(gradients(model, x), scales)], 0
        )
    )
    scaled(next(stream))
    start = time.process_time()
    values = np.stack([scaled(next(stream)) for _ in range(count)])
    return (time.process_time() - start) / count, float(values.var(0, ddof=1).sum())


def gradients(model, x) -> list:
    weights = [w.value for w in model.trainable_weights]
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model(x, training=True))
    return tape.gradient(loss, weights)


if __name__ == "__main__":
    main()
