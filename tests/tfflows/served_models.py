"""A few small models, exported, and for each signature a request and Keras's answer to it."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

import tfflows
from tfflows.serving.endpoints import NOISE_SEED

ROWS = 3


@dataclasses.dataclass(frozen=True)
class Kind:
    make: Callable
    shape: tuple = (3,)
    condition: tuple | None = None  # its shape, without the batch


KINDS = {
    "vectors": Kind(lambda: tfflows.MAF(num_layers=1, units=(8,))),
    "conditions": Kind(lambda: tfflows.RealNVP(2, (8,)), condition=(2,)),
    "images": Kind(lambda: tfflows.Glow(2, num_steps=1, units=8, num_bits=3, seed=1), (4, 4, 3)),
    "pixel_cnn": Kind(
        lambda: tfflows.PixelCNNPlusPlus(6, 1, 1, 2, kernel_size=1, num_classes=3), (4, 5, 1), ()
    ),
}


@dataclasses.dataclass(frozen=True)
class Served:
    """A model and its SavedModel."""

    model: tfflows.DensityModel
    path: pathlib.Path

    @functools.cached_property
    def requests(self) -> dict:
        """By signature: named inputs, and the answer of the Keras model, named."""
        model, rs = self.model, np.random.RandomState(0)
        shape, high = (ROWS, *model.event_shape), model.num_values

        def data():
            if high is None:
                return rs.normal(size=shape).astype("float32")
            return rs.randint(0, high, shape).astype("uint8")

        x, start, end = data(), data(), data()
        c, condition = None, {}
        if model.condition_shape is not None:
            labels = rs.randint(0, 3, ROWS).astype("int32")
            c = rs.normal(size=(ROWS, 2)).astype("float32") if model.num_classes is None else labels
            condition = {"condition": c}
        seeds = np.int32([[0, 7], [0, 8], [5, 9]])
        temperatures = np.float32([1.0, 0.5, 0.0])
        score = self._compiled("log_prob", x, c, seed=NOISE_SEED)
        found = {
            "serving_default": ({"x": x, **condition}, {"log_prob": score}),
            "log_prob": ({"x": x, **condition}, {"log_prob": score}),
            "sample": (
                {
                    "n": np.int32(ROWS),
                    "seed": np.int32([0, 7]),
                    "temperature": np.float32(0.7),
                    **condition,
                },
                {"x": self._sampled(ROWS, c, 0.7, 7)},
            ),
            "sample_rows": (
                {"seed": seeds, "temperature": temperatures, **condition},
                {"x": self._sampled(ROWS, c, temperatures, seeds)},
            ),
        }
        if model.is_discrete:
            bits = self._compiled("bits_per_dim", x, c, seed=NOISE_SEED)
            found["bits_per_dim"] = ({"x": x, **condition}, {"bits_per_dim": bits})
        if isinstance(model, tfflows.FlowModel):
            z = self._compiled("encode", x, c)
            position = np.float32([[0.0, 0.3, 1.0]] * ROWS)
            between = self._stored(model.interpolate(start, end, position, c))
            ends = {"start": start, "end": end, "position": position, **condition}
            found["encode"] = ({"x": x, **condition}, {"z": z})
            found["decode"] = ({"z": z, **condition}, {"x": np.asarray(model.decode(z, c))})
            found["interpolate"] = (ends, {"x": between})
        return found

    def _compiled(self, name, *inputs, **options):
        """What the method gives compiled for batches of any size, as `predict` does.

        TensorFlow rewrites graphs, some more where it knows the sizes; the last bit may depend on
        it.
        """
        inputs = [x for x in inputs if x is not None]
        specs = [tf.TensorSpec([None, *x.shape[1:]], x.dtype) for x in inputs]
        method = functools.partial(getattr(self.model, name), **options)
        return np.asarray(tf.function(method, specs, autograph=False)(*inputs))

    def _sampled(self, n, condition, temperature, seed):
        return self._stored(self.model.sample(n, condition, temperature, seed))

    def _stored(self, x):
        """Pixels are sent as bytes."""
        return np.asarray(x, "float32" if self.model.num_values is None else "uint8")

    def signatures(self):
        """Of the SavedModel, loaded; the module has to be kept as long as they are used."""
        loaded = tf.saved_model.load(str(self.path))
        return loaded, loaded.signatures


def exported(name, directory) -> Served:
    kind = KINDS[name]
    model = kind.make()
    condition = None if kind.condition is None else (None, *kind.condition)
    model.build((None, *kind.shape), condition)
    # Flows start as the identity, which any server would get right.
    for i, weight in enumerate(model.trainable_weights):
        noise = np.random.RandomState(i).normal(scale=0.1, size=weight.shape)
        weight.assign_add(noise.astype("float32"))
    path = directory / name / "1"
    model.export(path)
    return Served(model, path)
