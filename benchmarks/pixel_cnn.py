"""PixelCNN++ beside ``tfd.PixelCNN`` of the same size: ``python -m benchmarks.pixel_cnn``.

32 filters, 1 residual block a level, 2 levels, 5 mixtures, untrained; float32. Each case is a
process of its own:

* ``train``: a step of Adam on 32 images of 32x32x3, with dropout; the fastest of some, and by how
  many MB memory grows up to its peak, from when the graph has run once, on one image.
  ``recompute`` is ours, with activations computed again in the backward pass.
* ``sample``: 16 images of 28x28x1, and of 32x32x3. Ours is measured with its cache; what a pass of
  the whole network for each pixel would take is the time of a pass by the number of pixels. That
  is what TFP does: there, too, a pass is measured, and with ``--whole`` all of them.
* ``local``: our local model, images of 32x32x3, by wavefront and pixel after pixel.
"""

import argparse
import functools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks import command_line
from benchmarks.memory import megabytes, resident
from benchmarks.process import environment
from zoo.process_memory import forget_peak

SIZE = {"filters": 32, "blocks": 1, "levels": 2, "mixtures": 5}
LOCAL = {"units": 128, "num_blocks": 3, "num_levels": 1, "kernel_size": 1, "first_kernel_size": 7}
SHAPES = {"28x28x1": (28, 28, 1), "32x32x3": (32, 32, 3)}
SAMPLES, BATCH, DROPOUT = 16, 32, 0.3
CASES = [
    *((library, "train", "32x32x3") for library in ("tfflows", "recompute", "tfp")),
    *((library, "sample", shape) for shape in SHAPES for library in ("tfflows", "tfp")),
    ("tfflows", "local", "32x32x3"),
]


def main() -> None:
    parser = command_line.parser("pixel_cnn", __doc__)
    parser.add_argument("--works", nargs="+", default=["train", "sample", "local"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--whole", action="store_true", help="let TFP draw whole images: minutes")
    parser.add_argument("--case", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        library, work, shape = arguments.case
        measure = {"train": train, "sample": sample, "local": local}[work]
        print(json.dumps(measure(library, SHAPES[shape], arguments.whole)))
        return
    for case in CASES:
        if case[1] in arguments.works:
            figures = in_new_process(case, arguments)
            text = ", ".join(f"{name} {value:,.3g}" for name, value in figures.items())
            print(f"{' '.join(case):24} {text}", flush=True)


def in_new_process(case: tuple[str, str, str], arguments: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.pixel_cnn", "--case", *case]
    command += ["--whole"] * arguments.whole
    done = subprocess.run(
        command, env=environment(arguments.threads), stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def train(library: str, shape: tuple[int, ...], whole: bool) -> dict[str, float]:
    """Milliseconds and MB of a training step."""
    import tensorflow as tf

    log_prob, weights, adam = _MODELS[library](shape)[:3]
    x = _pixels(BATCH, shape)

    @tf.function(input_signature=[tf.TensorSpec([None, *shape])])
    def step(x):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(log_prob(x, True))
        adam.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return loss

    parameters = sum(int(tf.size(w)) for w in weights)
    first = _seconds(lambda: step(x[:1]))
    before = resident()
    forget_peak()
    best = min(_seconds(lambda: step(x)) for _ in range(6))
    return {
        "parameters": parameters,
        "ms": 1e3 * best,
        "MB": megabytes("VmHWM") - before,
        "first s": first,
    }


def sample(library: str, shape: tuple[int, ...], whole: bool) -> dict[str, float]:
    """Seconds for all images, and of a pass of the network for each pixel."""
    import tensorflow as tf

    log_prob, _, _, draw = _MODELS[library](shape)
    x, score = _pixels(SAMPLES, shape), tf.function(log_prob)
    score(x, False)
    one = min(_seconds(lambda: score(x, False)) for _ in range(10))
    figures = {"a pass for each pixel, s": one * shape[0] * shape[1]}
    if library == "tfflows" or whole:
        figures["first s"] = _seconds(lambda: draw(SAMPLES))
        figures["s"] = min(_seconds(lambda: draw(SAMPLES)) for _ in range(3 - 2 * whole))
        figures["times as fast"] = figures["a pass for each pixel, s"] / figures["s"]
    return figures


def local(library: str, shape: tuple[int, ...], whole: bool) -> dict[str, float]:
    """Seconds for all images of a local model, by both samplers."""
    from tfflows import PixelCNNPlusPlus
    from tfflows.sampling import RasterSampler, WavefrontSampler

    figures = {}
    for name, sampler in (("wavefront", WavefrontSampler), ("pixels", RasterSampler)):
        model = PixelCNNPlusPlus(**LOCAL)
        model.sampler = sampler
        model.build((None, *shape))
        model.sample(SAMPLES, seed=0)
        for n in (1, SAMPLES):
            draw = functools.partial(model.sample, n, seed=0)
            figures[f"{n} by {name}, s"] = min(_seconds(draw) for _ in range(3))
    return {"parameters": model.count_params(), **figures}


def _ours(shape: tuple[int, ...], memory: str | None = None) -> tuple:
    import keras

    from tfflows import PixelCNNPlusPlus

    model = PixelCNNPlusPlus(
        SIZE["filters"],
        SIZE["blocks"],
        SIZE["levels"],
        SIZE["mixtures"],
        dropout=DROPOUT,
        memory=memory,
    )
    model.build((None, *shape))
    adam, weights = keras.optimizers.Adam(1e-3), model.trainable_variables
    adam.build(weights)
    weights = [w.value for w in weights]

    class Step:
        def apply_gradients(self, pairs):
            adam.apply(*[[gradient for gradient, _ in pairs]])

    return (
        lambda x, training: model(x, training=training),
        weights,
        Step(),
        lambda n: model.sample(n, seed=0),
    )


def _tfp(shape: tuple[int, ...]) -> tuple:
    import tensorflow as tf
    import tf_keras
    from tensorflow_probability import distributions as tfd

    distribution = tfd.PixelCNN(
        image_shape=shape,
        num_resnet=SIZE["blocks"],
        num_hierarchies=SIZE["levels"],
        num_filters=SIZE["filters"],
        num_logistic_mix=SIZE["mixtures"],
        dropout_p=DROPOUT,
    )
    distribution.log_prob(_pixels(BATCH, shape))  # its data-dependent initialisation
    weights = distribution.network.trainable_weights
    adam = tf_keras.optimizers.Adam(1e-3)
    adam.build(weights)
    return (
        lambda x, training: distribution.log_prob(x, training=training),
        weights,
        adam,
        tf.function(lambda n: distribution.sample(n)),
    )


_MODELS = {"tfflows": _ours, "recompute": functools.partial(_ours, memory="recompute"), "tfp": _tfp}


def _pixels(n: int, shape: tuple[int, ...]):
    import tensorflow as tf

    return tf.floor(tf.random.stateless_uniform([n, *shape], [0, 1], 0.0, 256.0))


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call().numpy()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
