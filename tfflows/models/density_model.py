"""What every model of a density has in common."""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf

from tfflows import saved_model
from tfflows.bijector_layer import shape_text
from tfflows.models.first_examples import first_examples
from tfflows.models.log_mean_exp import log_mean_exp
from tfflows.models.non_finite_guard import NonFiniteGuard
from tfflows.models.pack import map_data, pack
from tfflows.stateless_seed import fold_in, stateless_seed


class DensityModel(keras.Model):
    """A Keras model of p(x), or of p(x | condition).

    `fit(x)` models p(x); `fit(x, c)`, or a `tf.data.Dataset` of pairs, models p(x | c), where `c`
    is a vector for each example, or a class label with `num_classes`. The loss is the negative
    log-likelihood: `compile()` takes none. Calling the model, and `predict`, give `log_prob`.

    A subclass writes `_log_prob`, `_build`, and `_sample`.

    Args:
      num_classes: conditions are labels from 0 to `num_classes - 1`; None: vectors, or none.
      **kwargs: those of `keras.Model`.
    """

    likelihood = "exact"
    """Whether `log_prob` is the log-likelihood itself, or a "lower_bound" of it."""

    is_discrete = False
    """Whether probabilities are those of discrete data, which bits per dimension are made for."""

    num_values = None
    """Of data that are integers, pixels: from 0 to one less; None: data are something else."""

    def __init__(self, num_classes: int | None = None, **kwargs):
        super().__init__(**kwargs)
        if num_classes is not None and num_classes < 2:
            raise ValueError(f"`num_classes` should be at least 2. Received: {num_classes}.")
        self.num_classes = num_classes
        self.event_shape = None
        self.condition_shape = None
        self.target_log_prob = None
        self.seed_generator = keras.random.SeedGenerator()
        self.nll_tracker = keras.metrics.Mean(name="nll")
        self._functions = {}
        self._importance_samples_of_evaluate = 1

    # -- the density --------------------------------------------------------------------------

    def log_prob(self, x, condition=None, seed=None, num_importance_samples: int = 1) -> tf.Tensor:
        """Log-density (for discrete data: log-probability) of each example in nats, `[batch]`.

        Args:
          x: data, `[batch, ...]`.
          condition: None, or one for each example.
          seed: of the noise of a model whose `likelihood` is a "lower_bound": an int or a pair of
            int32, or a pair for each example; None: new noise at each call.
          num_importance_samples: noises k for each example. The bound becomes the log of the mean
            of k weights, which tightens with k, on average (Burda et al. 2016, theorem 1). Memory
            does not grow with k, time does.
        """
        self.check_built()
        self._check_importance_samples(num_importance_samples)
        x, condition = tf.convert_to_tensor(x), self.encode_condition(condition)
        if num_importance_samples == 1:
            return self._log_prob(x, condition, seed)
        seed = self.stateless_seed(seed)

        def log_weight(i):
            return self._log_prob(x, condition, fold_in(seed, i))

        return log_mean_exp(log_weight, num_importance_samples)

    def _log_prob(self, x, condition, seed):
        """`log_prob` for a condition as `encode_condition` gives it, with one sample of noise."""
        raise NotImplementedError

    def bits_per_dim(self, x, condition=None, seed=None, num_importance_samples=1) -> tf.Tensor:
        """`-log_prob / (D log 2)` of each example, `[batch]`, D the dimensions of an example.

        Args:
          x, condition, seed, num_importance_samples: those of `log_prob`.
        """
        log_prob = self.log_prob(x, condition, seed, num_importance_samples)
        return -log_prob / _nats_per_bit(np.shape(x)[1:])

    def sample(self, n: int, condition=None, temperature=1.0, seed=None) -> tf.Tensor:
        """Draws `n` examples, `[n, ...]`.

        Args:
          n: how many.
          condition: one for all samples, or `n` of them.
          temperature: factor on the scale of the base distribution; below 1: nearer the modes.
          seed: an int or a pair of int32; the same seed gives the same samples. With a pair for
            each sample, `[n, 2]`, each depends on its own alone, and may have its own temperature.

        Returns:
          `[n, ...]`; discrete data as float32 numbers too.
        """
        return self._checked_sample(n, condition, temperature, seed)

    def _checked_sample(self, n, condition, temperature, seed, **given):
        self.check_built()
        if np.ndim(n) or int(n) < 0:
            raise ValueError(f"`n` should be a whole number, 0 or more. Received: n={n}.")
        condition = self._repeat_condition(condition, n)
        temperature, seed = tf.cast(temperature, tf.float32), self.stateless_seed(seed)
        self._check_rows(n, temperature, seed)
        function = self.function("sample" if seed.shape.rank == 1 else "sample_rows", self._sample)
        return function(tf.constant(n, tf.int32), condition, temperature, seed, **given)

    @staticmethod
    def _check_rows(n, temperature, seed):
        by_row = seed.shape.rank == 2
        if by_row and seed.shape[0] != n or temperature.shape not in [[], *[[n]] * by_row]:
            raise ValueError(
                f"`seed` should be one, or n={n} pairs; `temperature` a number or, with that many "
                f"seeds, n={n} of them. Received: seeds of shape {tuple(seed.shape)}, temperatures "
                f"of shape {tuple(temperature.shape)}."
            )

    def _sample(self, n, condition, temperature, seed):
        raise NotImplementedError

    # -- Keras --------------------------------------------------------------------------------

    def call(self, inputs, training=None):
        x, condition = inputs if isinstance(inputs, (tuple, list)) else (inputs, None)
        if self.target_log_prob is not None and training:
            return self._reverse_kl_objective(tf.shape(x)[0])
        samples = self._importance_samples_of_evaluate
        return self.log_prob(x, condition, num_importance_samples=samples)

    def build(self, input_shape, condition_shape=None):
        """Makes the weights for data of shape `input_shape`, batch axis included.

        Args:
          input_shape: `(None, ...)`; or the pair of it and the condition's shape.
          condition_shape: `(None, C)` for vectors, `(None,)` for labels; None: no condition.
        """
        if isinstance(input_shape[0], (tuple, list)):
            input_shape, condition_shape = input_shape
        self.event_shape = tuple(input_shape[1:])
        if (self.num_classes is not None) and condition_shape is None:
            condition_shape = (None,)
        if condition_shape is not None:
            self.condition_shape = tuple(condition_shape[1:])
            if self.num_classes is not None:
                self._check_labels_shape(self.condition_shape)
                condition_shape = (None, self.num_classes)
        self._build((None, *self.event_shape), condition_shape)

    def _build(self, x_shape, condition_shape):
        raise NotImplementedError

    def get_build_config(self):
        if not self.built:
            return None
        condition = None if self.condition_shape is None else (None, *self.condition_shape)
        return {"input_shape": (None, *self.event_shape), "condition_shape": condition}

    def build_from_config(self, config):
        if config:
            self.build(**config)

    def compile(self, optimizer="adam", target_log_prob=None, **kwargs):
        """Configures training; takes what `keras.Model.compile` takes, but needs no loss.

        Args:
          optimizer: a Keras optimizer.
          target_log_prob: trains against this unnormalised log-density, `[batch, D] -> [batch]`,
            instead of data, by reverse KL: then `fit(steps_per_epoch=..., batch_size=...)`.
          **kwargs: those of `keras.Model.compile`.
        """
        if kwargs.get("loss") is not None:
            raise ValueError(
                "`compile` expected no loss: a density model is trained by its log-likelihood. "
                f"Received: loss={kwargs['loss']}."
            )
        self.target_log_prob = target_log_prob
        super().compile(optimizer=optimizer, **kwargs)

    def get_compile_config(self):
        # A target is a function: not ours to save.
        return None if self.target_log_prob is not None else super().get_compile_config()

    def compile_from_config(self, config):
        config = keras.saving.deserialize_keras_object(config)
        self.compile(**{k: v for k, v in config.items() if v is not None})
        if self.built:
            self.optimizer.build(self.trainable_variables)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if sample_weight is None:
            objective = tf.reduce_mean(y_pred)
        else:
            weight = tf.cast(sample_weight, y_pred.dtype)
            objective = tf.math.divide_no_nan(tf.reduce_sum(weight * y_pred), tf.reduce_sum(weight))
        self.nll_tracker.update_state(-y_pred, sample_weight=sample_weight)
        # Keras's optimizers add up the gradients of the replicas.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return (tf.add_n([-objective, *self.losses])) / replicas

    def get_metrics_result(self):
        logs = super().get_metrics_result()
        if self.is_discrete and "nll" in logs:
            logs["bits_per_dim"] = logs["nll"] / self.nats_per_bit
        return logs

    def fit(self, x=None, y=None, *, batch_size=None, validation_data=None, callbacks=None, **kw):
        """Trains; as `keras.Model.fit`, with the condition in the place of the target.

        Args:
          x: data `[n, ...]`, or a `tf.data.Dataset` of batches of it, or of pairs with conditions.
            None with `compile(target_log_prob=...)`.
          y: conditions `[n, ...]`, or None.
          batch_size, validation_data, callbacks, **kw: as in `keras.Model.fit`;
            `validation_data` is `x_val`, `(x_val, condition_val)`, or a dataset.

        Raises:
          FloatingPointError: the loss is NaN or infinite; the weights are those of the beginning of
            the epoch.
        """
        if self.target_log_prob is not None:
            x = self._noise_batches(x, batch_size)
            batch_size = None
        else:
            self._prepare(x, y)
        self._build_optimizer()
        if validation_data is not None:
            validation_data = self._validation(validation_data)
        if not isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = [NonFiniteGuard(), *(callbacks or [])]
        if isinstance(x, tf.data.Dataset):
            kw.setdefault("shuffle", False)  # Keras warns of what it would not do anyway
        return super().fit(
            **pack(x, y, self.check_data),
            batch_size=batch_size,
            validation_data=validation_data,
            callbacks=callbacks,
            **kw,
        )

    def evaluate(self, x=None, y=None, *, num_importance_samples: int = 1, **kwargs):
        """As `keras.Model.evaluate`: `nll` in nats and, for discrete data, `bits_per_dim`.

        Args:
          x, y: data and conditions, as in `fit`.
          num_importance_samples: noises for each example, as in `log_prob`.
          **kwargs: those of `keras.Model.evaluate`.
        """
        if not self.compiled:  # a loaded model has its loss, and needs no optimizer to be scored
            self.compile()
        self._check_importance_samples(num_importance_samples)
        packed = pack(x, y, self.check_data)
        if num_importance_samples == 1:
            return super().evaluate(**packed, **kwargs)
        # Keras keeps the traced function: that of one sample is put back afterwards.
        traced, self.test_function = self.test_function, None
        self._importance_samples_of_evaluate = num_importance_samples
        try:
            return super().evaluate(**packed, **kwargs)
        finally:
            self.test_function, self._importance_samples_of_evaluate = traced, 1

    def predict(self, x, y=None, **kwargs):
        """`log_prob` of each example in nats, `[n]`, in batches."""
        self.check_built()
        return super().predict(pack(x, y, self.check_data)["x"], **kwargs)

    def _prepare(self, x, y):
        if not self.built:
            with self.distribute_strategy.scope():
                self.build(*_shapes(x, y))
        if not self.adapted:
            with self.distribute_strategy.scope():
                self.adapt(x, y)

    @property
    def adapted(self) -> bool:
        """Whether there is no data-dependent initialisation left to be done."""
        return True

    def adapt(self, data, condition=None, num_examples: int | None = None) -> None:
        """Data-dependent initialisation, as Keras's `Normalization.adapt`; `fit` calls it once.

        Args:
          data: array, or dataset of batches (of pairs with conditions).
          condition: conditions, where `data` is an array.
          num_examples: how many of the first examples are used, at once; None: 4096 vectors, or
            256 images, each of which has many pixels.
        """
        data, condition = first_examples(data, condition, num_examples)
        if not self.built:
            self.build(*[(None, *np.shape(d)[1:]) for d in (data, condition) if d is not None])
        self.check_data(data, condition)
        self._adapt(data, self.encode_condition(condition))

    def _adapt(self, x, condition):
        """`adapt` for a model that has what to initialize; the condition as in `_log_prob`."""

    def _build_optimizer(self):
        # Made inside the first training step, its variables would have that step traced twice.
        if self.compiled and not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)

    def _validation(self, data):
        if isinstance(data, (tuple, list)) and len(data) > 1:
            packed = pack(data[0], data[1], self.check_data)
            return (packed["x"], None, *data[2:]) if len(data) > 2 else (packed["x"], None)
        if isinstance(data, (tuple, list)):
            data = data[0]
        if isinstance(data, tf.data.Dataset):
            return map_data(data)
        return (pack(data, None, self.check_data)["x"], None)

    # -- reverse KL ---------------------------------------------------------------------------

    def _reverse_kl_objective(self, n):
        raise ValueError(
            f"`target_log_prob` expected a flow. Received: a {type(self).__name__}, which cannot "
            "be trained by reverse KL."
        )

    def _noise_batches(self, x, batch_size):
        self.check_built()
        if x is not None:
            raise ValueError(
                "`fit` expected x=None after `compile(target_log_prob=...)`: the model is trained "
                f"on its own samples. Received: x of type {type(x).__name__}."
            )
        rows = tf.zeros([batch_size or 256, *self.event_shape])
        return tf.data.Dataset.from_tensors(rows).repeat()

    # -- serving ------------------------------------------------------------------------------

    def served_once(self) -> list[tuple]:
        """Objects and their methods whose graphs several signatures of an export share."""
        return []

    # -- checks and conversions ---------------------------------------------------------------

    def check_built(self) -> None:
        if not self.built:
            raise ValueError(
                f"Model '{self.name}' ({type(self).__name__}) is not built: it does not know the "
                "shape of the data yet. Call `fit`, or `build((None, ...))`."
            )

    def check_data(self, x, condition=None) -> None:
        """Raises a ValueError for data the model cannot take: shape, NaN, condition, labels."""
        where = f"Model '{self.name}' ({type(self).__name__})"
        shape = tuple(np.shape(x))
        if self.built and shape[1:] != self.event_shape:
            raise ValueError(
                f"{where} expected x of shape {shape_text(self.event_shape)}. "
                f"Received: shape {shape}."
            )
        _check_finite(where, "x", x)
        if condition is None:
            if self.built and self.condition_shape is not None:
                what = (
                    "labels" if self.num_classes else f"vectors {shape_text(self.condition_shape)}"
                )
                raise ValueError(f"{where} expected a condition: {what}. Received: None.")
            return
        if self.built and self.condition_shape is None:
            raise ValueError(
                f"{where} was built without a condition. "
                f"Received: a condition of shape {tuple(np.shape(condition))}."
            )
        if len(condition) != shape[0]:
            raise ValueError(
                f"{where} expected a condition for each example. "
                f"Received: {shape[0]} examples and {len(condition)} conditions."
            )
        if self.num_classes is not None:
            self._check_labels(condition)
        else:
            _check_finite(where, "condition", condition)

    def _check_importance_samples(self, count):
        if np.ndim(count) or int(count) != count or count < 1:
            raise ValueError(
                "`num_importance_samples` should be a whole number, 1 or more. "
                f"Received: num_importance_samples={count}."
            )
        if count > 1 and self.likelihood == "exact":
            raise ValueError(
                f"Model '{self.name}' ({type(self).__name__}) computes the likelihood itself, not "
                "a bound that samples could tighten: `num_importance_samples` should be 1. "
                f"Received: num_importance_samples={count}."
            )

    def _check_labels(self, labels):
        self._check_labels_shape(np.shape(labels)[1:])
        labels = np.asarray(labels)
        if labels.size and (labels.min() < 0 or labels.max() >= self.num_classes):
            raise ValueError(
                f"Model '{self.name}' expected labels from 0 to {self.num_classes - 1}. "
                f"Received: labels from {labels.min()} to {labels.max()}."
            )

    def _check_labels_shape(self, shape):
        if tuple(shape) not in ((), (1,)):
            raise ValueError(
                f"Model '{self.name}' expected labels of shape [batch]. "
                f"Received: {shape_text(shape)}."
            )

    def encode_condition(self, condition) -> tf.Tensor | None:
        """Conditions as the layers take them: vectors in float32, labels one-hot."""
        if condition is None:
            if self.condition_shape is not None:
                self.check_data(np.zeros((1, *self.event_shape)), None)
            return None
        if self.condition_shape is None:
            raise ValueError(
                f"Model '{self.name}' ({type(self).__name__}) was built without a condition. "
                f"Received: a condition of shape {tuple(np.shape(condition))}."
            )
        if self.num_classes is None:
            return tf.cast(condition, self.variable_dtype)
        labels = tf.reshape(tf.cast(condition, tf.int32), [-1])
        message = f"labels should be from 0 to {self.num_classes - 1}"
        checks = [
            tf.debugging.assert_non_negative(labels, message),
            tf.debugging.assert_less(labels, self.num_classes, message),
        ]
        with tf.control_dependencies([c for c in checks if c is not None]):
            return tf.one_hot(labels, self.num_classes, dtype=self.variable_dtype)

    def _repeat_condition(self, condition, n):
        if condition is None:
            return self.encode_condition(None)
        encoded = self.encode_condition(tf.convert_to_tensor(condition))
        if encoded.shape.rank == len(self.condition_shape) and self.num_classes is None:
            encoded = encoded[tf.newaxis]
        if encoded.shape[0] not in (1, n):
            raise ValueError(
                f"`condition` should be one condition, or n={n} of them. "
                f"Received: {encoded.shape[0]}."
            )
        return tf.repeat(encoded, n, axis=0) if encoded.shape[0] == 1 else encoded

    def stateless_seed(self, seed) -> tf.Tensor:
        """A pair of int32 from an int, a pair, or None (a fresh one from the model's own)."""
        return stateless_seed(seed, self.seed_generator)

    def function(self, name, python_function):
        """The method as one `tf.function`, made when it is first needed."""
        if name not in self._functions:
            self._functions[name] = tf.function(python_function, reduce_retracing=True)
        return self._functions[name]

    @property
    def nats_per_bit(self) -> float:
        """What a log-probability in nats is divided by to be in bits per dimension."""
        return _nats_per_bit(self.event_shape)

    def export(self, path, metadata: dict | None = None) -> None:
        """Writes one SavedModel directory: servable, preset and Keras model (`tfflows.load`).

        Args:
          path: the directory, for TF Serving `NAME/VERSION`; it appears whole or not at all.
          metadata: kept in the artifact as JSON: recipe, metrics.
        """
        saved_model.export(self, path, metadata)

    def get_config(self) -> dict:
        return super().get_config() | {"num_classes": self.num_classes}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _nats_per_bit(shape):
    return math.prod(shape) * math.log(2.0)


def _check_finite(where, what, values):
    values = np.asarray(values)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = int(np.argmax(~np.isfinite(values.reshape(len(values), -1)).all(1)))
        raise ValueError(f"{where} expected {what} without NaN or infinity. Received: row {bad}.")


def _shapes(x, y):
    if isinstance(x, tf.data.Dataset):
        spec = x.element_spec
        spec = spec if isinstance(spec, tuple) else (spec,)
        return [tuple(s.shape) for s in spec[:2]]
    shapes = [tuple(np.shape(x))] + ([] if y is None else [tuple(np.shape(y))])
    return [(None, *s[1:]) for s in shapes]
