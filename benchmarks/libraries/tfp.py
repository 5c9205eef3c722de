"""TensorFlow Probability's own bijectors, with Keras 2 networks, one ``tf.function`` a work."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

from benchmarks.libraries.tensorflow_flow import next_batch, stateless_seeds
from benchmarks.tasks import Task

tfb, tfd = tfp.bijectors, tfp.distributions


class TFPFlow:
    """A ``tfd.TransformedDistribution``; ``variant="xla"`` compiles each work with XLA."""

    def __init__(
        self,
        distribution: tfd.Distribution,
        weights: list[tf.Variable],
        task: Task,
        data: np.ndarray,
        variant: str,
    ) -> None:
        self._distribution, self._weights = distribution, weights
        self._adam = tf_keras.optimizers.Adam(task.learning_rate)
        self._adam.build(self._weights)
        self._next_batch, self._next_seed = next_batch(data), stateless_seeds()
        compiled = {"jit_compile": variant == "xla"}
        self._step = tf.function(self._train_step, **compiled)
        self._log_prob = tf.function(self._distribution.log_prob, **compiled)
        self._sample = tf.function(
            lambda seed, n: self._distribution.sample(n, seed=seed), **compiled
        )
        self.num_parameters = sum(int(tf.size(w)) for w in self._weights)

    def _train_step(self, x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(self._distribution.log_prob(x))
        gradients = tape.gradient(loss, self._weights)
        self._adam.apply_gradients(zip(gradients, self._weights, strict=True))
        return loss

    def train_step(self) -> float:
        return float(self._step(self._next_batch()))

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        return self._log_prob(tf.constant(x)).numpy()

    def sample(self, n: int) -> np.ndarray:
        return self._sample(self._next_seed(), n).numpy()


def build(task: Task, data: np.ndarray, variant: str) -> TFPFlow:
    networks: list[tf_keras.Model] = []
    layer = {"maf": _maf, "realnvp": _affine_coupling, "spline": _spline_coupling}[task.name]
    layers = [part for i in range(task.layers) for part in layer(task, i, networks)]
    base = tfd.MultivariateNormalDiag(tf.zeros(task.features))
    distribution = tfd.TransformedDistribution(base, tfb.Chain(layers))
    weights = [w for network in networks for w in network.trainable_variables]
    return TFPFlow(distribution, weights, task, data, variant)


def _maf(task: Task, i: int, networks: list) -> list[tfb.Bijector]:
    made = tfb.AutoregressiveNetwork(
        2, event_shape=[task.features], hidden_units=list(task.units), activation="relu"
    )
    made.build((None, task.features))
    networks.append(made)
    reverse = tfb.Permute(list(range(task.features))[::-1])
    return [tfb.MaskedAutoregressiveFlow(made), reverse]


def _network(task: Task, i: int, per_feature: int, networks: list) -> tuple[int, tf_keras.Model]:
    """The signed number of features that coupling ``i`` keeps (the first or last), its MLP."""
    first = task.features // 2
    kept = first if i % 2 == 0 else task.features - first
    transformed = task.features - kept
    network = tf_keras.Sequential(
        [
            *(tf_keras.layers.Dense(units, activation="relu") for units in task.units),
            # Near zero, for exp(log_scale) is not bounded.
            tf_keras.layers.Dense(transformed * per_feature, kernel_initializer=_near_zero()),
            tf_keras.layers.Reshape((transformed, per_feature)),
        ]
    )
    network.build((None, kept))
    networks.append(network)
    return (kept if i % 2 == 0 else -kept), network


def _near_zero() -> tf_keras.initializers.Initializer:
    return tf_keras.initializers.RandomNormal(stddev=1e-3)


def _affine_coupling(task: Task, i: int, networks: list) -> list[tfb.Bijector]:
    kept, network = _network(task, i, 2, networks)

    def shift_and_log_scale(x: tf.Tensor, _: int) -> list[tf.Tensor]:
        return tf.unstack(network(x), axis=-1)

    return [tfb.RealNVP(kept, shift_and_log_scale_fn=shift_and_log_scale)]


def _spline_coupling(task: Task, i: int, networks: list) -> list[tfb.Bijector]:
    kept, network = _network(task, i, 3 * task.bins - 1, networks)

    def bins(x: tf.Tensor) -> tf.Tensor:
        """Bin sizes over [-bound, bound], none below 0.01."""
        sizes = tf.nn.softmax(x, axis=-1) * (2 * task.bound - task.bins * 1e-2) + 1e-2
        return sizes

    def spline(x: tf.Tensor, _: int) -> tfb.Bijector:
        widths, heights, slopes = tf.split(
            network(x), [task.bins, task.bins, task.bins - 1], axis=-1
        )
        return tfb.RationalQuadraticSpline(
            bins(widths), bins(heights), tf.nn.softplus(slopes) + 1e-2, range_min=-task.bound
        )

    return [tfb.RealNVP(kept, bijector_fn=spline)]
