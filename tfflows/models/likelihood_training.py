"""How a model of a density is trained and scored."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from tfflows.check_bounds import check_bounds
from tfflows.data_types import Data, TensorLike
from tfflows.flow_dtype import flow_dtype
from tfflows.memory.in_this_call import in_training
from tfflows.models.checked_data import (
    check_event_shape,
    check_importance_samples,
    only_values,
)
from tfflows.models.clip_after_reduction import clip_after_reduction
from tfflows.models.data_shapes import data_shapes
from tfflows.models.few_examples import few_examples
from tfflows.models.in_parts import check_losses, check_parts, in_parts
from tfflows.models.non_finite_guard import NonFiniteGuard
from tfflows.models.pack import has_rows, pack, separate
from tfflows.models.parts import data_and_condition, parts
from tfflows.models.shared_data import pooled
from tfflows.named import named
from tfflows.replicas import is_multi_worker, sum_over_replicas


class LikelihoodTraining(keras.Model):
    """A Keras model whose loss is its negative log-likelihood: `compile()` takes none.

    A subclass is a density: it writes `log_prob`, `build`, `check_data` and `encode_condition`,
    and may write `_adapt` and `_reverse_kl_objective`.

    Args:
      **kwargs: those of `keras.Model`.
    """

    def __init__(self, **kwargs):
        # Data stay as they are under mixed precision: what rounds them are networks, not flows.
        super().__init__(autocast=False, **kwargs)
        self.target_log_prob = None
        self.batch_parts = 1
        self.nll_tracker = keras.metrics.Mean(name="nll")
        self._importance_samples_of_evaluate = 1
        self._functions = {}

    def __call__(
        self, inputs: TensorLike | keras.KerasTensor, *args, **kwargs
    ) -> tf.Tensor | keras.KerasTensor:
        # Keras would look for arguments of `call` named as those of `build`: here one is a pair.
        if not self.built:
            self.build(*data_shapes(*data_and_condition(inputs)))
        return super().__call__(inputs, *args, **kwargs)

    def call(self, inputs: TensorLike, training: bool | None = None) -> tf.Tensor:
        x, condition = data_and_condition(inputs)
        check_event_shape(self, x.shape)
        if self.batch_parts > 1:
            check_parts(self, x, condition, training)
        scored = functools.partial(self._scored, training=training)
        return in_parts(scored, self.batch_parts, x, condition)

    def _scored(self, x, condition, training):
        """What training raises, and else `log_prob`: `[batch]`."""
        if self.target_log_prob is not None and training:
            return self._reverse_kl_objective(tf.shape(x)[0])
        x, samples = only_values(self, x), self._importance_samples_of_evaluate
        return self.log_prob(x, condition, num_importance_samples=samples)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """`(batch,)`, of the shape of x, or of the pair of it and the condition's."""
        first = input_shape[0]
        return (first[0] if isinstance(first, (tuple, list)) else first,)

    def compute_output_spec(
        self, inputs: keras.KerasTensor | tuple, training: bool | None = None
    ) -> keras.KerasTensor:
        x, _ = data_and_condition(inputs)
        return keras.KerasTensor(x.shape[:1], dtype=flow_dtype(self))

    def function(self, name: str, python_function: Callable) -> Callable:
        """The method as one `tf.function`, made when it is first needed; another for training."""
        key = name, bool(in_training())
        if key not in self._functions:
            self._functions[key] = tf.function(
                python_function, reduce_retracing=True, autograph=False
            )
        return self._functions[key]

    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer = "adam",
        target_log_prob: Callable | None = None,
        batch_parts: int = 1,
        **kwargs,
    ) -> None:
        """Configures training; takes what `keras.Model.compile` takes, but needs no loss.

        Args:
          optimizer: a Keras optimizer.
          target_log_prob: trains against this unnormalised log-density, `[batch, D] -> [batch]`,
            instead of data, by reverse KL: then `fit(steps_per_epoch=..., batch_size=...)`.
          batch_parts: into how many parts a batch is split in `fit`, `evaluate`, `predict`, where
            the model is called, and in `sample` and `decode` of a flow. Results are those of whole
            batches. TensorFlow works on all parts at once: as many as a processor has cores make
            better use of it, above all where an operation keeps to one core:
            `TF_NUM_INTRAOP_THREADS=1` in the environment, or
            `tf.config.threading.set_intra_op_parallelism_threads(1)` first.
          **kwargs: those of `keras.Model.compile`.
        """
        for name in ("loss", "metrics", "weighted_metrics"):
            if kwargs.get(name) is not None:
                raise ValueError(
                    f"`compile` expected no {name}: a density model is trained and measured by its "
                    f"log-likelihood, and has no targets. Received: {name}={kwargs[name]}."
                )
        if not (target_log_prob is None or callable(target_log_prob)):
            raise ValueError(
                "`target_log_prob` should be None or a function of x. "
                f"Received: target_log_prob={target_log_prob!r}."
            )
        check_bounds(1, batch_parts=batch_parts)
        self.batch_parts = batch_parts
        self.target_log_prob = None
        if target_log_prob is not None:  # Keras would take one that is a model for a part of ours
            self.target_log_prob = lambda x: target_log_prob(x)
        self._functions.clear()  # as Keras does with its own: layers may have been changed
        super().compile(optimizer=optimizer, **kwargs)
        clip_after_reduction(self.optimizer, self.distribute_strategy)

    def get_compile_config(self) -> dict | None:
        # A target is a function: not ours to save.
        config = None if self.target_log_prob is not None else super().get_compile_config()
        return config and config | {"batch_parts": self.batch_parts}

    def compile_from_config(self, config: dict) -> None:
        config = keras.saving.deserialize_keras_object(config)
        self.compile(**{k: v for k, v in config.items() if v is not None})
        if self.built:
            self.optimizer.build(self.trainable_variables)

    def compute_loss(
        self,
        x: TensorLike | None = None,
        y: tf.Tensor | None = None,
        y_pred: tf.Tensor | None = None,
        sample_weight: tf.Tensor | None = None,
        training: bool = True,
    ) -> tf.Tensor:
        weight = tf.ones_like(y_pred)
        if sample_weight is not None:
            # One for each example, also where it comes as a column, with which all would be paired.
            weight = tf.reshape(tf.cast(sample_weight, y_pred.dtype), tf.shape(y_pred))
        self.nll_tracker.update_state(-y_pred, sample_weight=weight)
        # Keras reports the mean of the replicas by their sizes, which may differ; its optimizers
        # add up their gradients, which are those of a share in the mean of all.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        count = tf.reduce_sum(tf.ones_like(weight))  # as Keras: of examples, not of weights
        log_prob = tf.reduce_sum(weight * y_pred)
        objective = tf.math.divide_no_nan(log_prob, replicas * count)
        if training and replicas > 1:
            share = tf.math.divide_no_nan(log_prob, sum_over_replicas([count])[0])
            objective = share + tf.stop_gradient(objective - share)
        if self.batch_parts > 1:
            check_losses(self)
        others = [tf.cast(tf.reduce_sum(loss), objective.dtype) for loss in self.losses]
        return tf.add_n([-objective, *(loss / replicas for loss in others)])

    def compute_metrics(
        self,
        x: TensorLike | None,
        y: tf.Tensor | None,
        y_pred: tf.Tensor,
        sample_weight: tf.Tensor | None = None,
    ) -> dict:
        logs = super().compute_metrics(x, y, y_pred, sample_weight)
        if is_multi_worker(tf.distribute.get_strategy()):
            # There Keras takes means over the first axis, and a scalar has none.
            logs = {name: tf.reshape(value, [1]) for name, value in logs.items()}
        return logs

    def get_metrics_result(self) -> dict:
        logs = super().get_metrics_result()
        if self.is_discrete and "nll" in logs:
            logs["bits_per_dim"] = logs["nll"] / self.nats_per_bit
        return logs

    def fit(
        self,
        x: Data | None = None,
        y: TensorLike | None = None,
        *,
        batch_size: int | None = None,
        validation_data: Data | None = None,
        callbacks: Sequence[keras.callbacks.Callback] | keras.callbacks.CallbackList | None = None,
        **kw,
    ) -> keras.callbacks.History:
        """Trains; as `keras.Model.fit`, with the condition in the place of the target.

        Args:
          x: data `[n, ...]`, or a `tf.data.Dataset` or `keras.utils.PyDataset` of batches of it, of
            pairs with conditions, or of triples with conditions, or None, and weights. None with
            `compile(target_log_prob=...)`.
          y: conditions `[n, ...]`, or None.
          batch_size, validation_data, callbacks, **kw: as in `keras.Model.fit`;
            `validation_data` is `x_val`, `(x_val, condition_val)`, or a dataset. To stop early, or
            keep the best: `monitor="val_nll", mode="min"`.

        Raises:
          FloatingPointError: the loss, or a weight at the end, is NaN or infinite; weights and
            optimizer are put back to where they gave a finite loss: when `fit` began, or some 200
            batches ago.
        """
        if kw.get("class_weight") is not None:
            raise ValueError(
                "`fit` expected no class_weight: give each example its weight, by `sample_weight`. "
                f"Received: class_weight={kw['class_weight']}."
            )
        if self.target_log_prob is not None:
            x = self._noise_batches(x, batch_size, kw.get("steps_per_epoch"))
            batch_size = None
        else:
            self._prepare(x, y)
        self._build_optimizer()
        if validation_data is not None:
            validation_data = self._validation(validation_data)
        if not isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = [NonFiniteGuard(), *keras.tree.flatten(callbacks or [])]
        if isinstance(x, tf.data.Dataset):
            kw.setdefault("shuffle", False)  # Keras warns of what it would not do anyway
        return super().fit(
            **self._packed_rows(x, y, kw.pop("sample_weight", None)),
            batch_size=batch_size,
            validation_data=validation_data,
            callbacks=callbacks,
            **kw,
        )

    def evaluate(
        self,
        x: Data | None = None,
        y: TensorLike | None = None,
        *,
        num_importance_samples: int = 1,
        **kwargs,
    ) -> float | list | dict:
        """As `keras.Model.evaluate`: `nll` in nats and, for discrete data, `bits_per_dim`.

        Args:
          x, y: data and conditions, as in `fit`.
          num_importance_samples: noises for each example, as in `log_prob`.
          **kwargs: those of `keras.Model.evaluate`.
        """
        if "_use_cached_eval_dataset" in kwargs:  # Keras validates, by data that `fit` has packed
            return super().evaluate(x, y, **kwargs)
        self.check_built()
        if not self.compiled:  # a loaded model has its loss, and needs no optimizer to be scored
            self.compile()
        check_importance_samples(self, num_importance_samples)
        packed = self._packed_rows(x, y, kwargs.pop("sample_weight", None))
        if num_importance_samples == 1:
            return super().evaluate(**packed, **kwargs)
        # Keras keeps the traced function: that of one sample is put back afterwards.
        traced, self.test_function = self.test_function, None
        self._importance_samples_of_evaluate = num_importance_samples
        try:
            return super().evaluate(**packed, **kwargs)
        finally:
            self.test_function, self._importance_samples_of_evaluate = traced, 1

    def predict(self, x: Data, y: TensorLike | None = None, **kwargs) -> np.ndarray:
        """`log_prob` of each example in nats, `[n]`, in batches."""
        self.check_built()
        x = self._packed(x, y)["x"]
        if not has_rows(x):
            return np.zeros([0], flow_dtype(self))
        return super().predict(x, **kwargs)

    def train_on_batch(
        self,
        x: TensorLike,
        y: TensorLike | None = None,
        sample_weight: TensorLike | None = None,
        **kwargs,
    ) -> float | list | dict:
        """One step on a batch of data and, in the place of the target, conditions."""
        if self.target_log_prob is not None:
            raise ValueError(
                "`train_on_batch` expected a model that is trained on data. Received: one compiled "
                "with `target_log_prob`, for `fit(steps_per_epoch=..., batch_size=...)`."
            )
        self._prepare(x, y)
        return super().train_on_batch(**self._packed(x, y, sample_weight), **kwargs)

    def test_on_batch(
        self,
        x: TensorLike,
        y: TensorLike | None = None,
        sample_weight: TensorLike | None = None,
        **kwargs,
    ) -> float | list | dict:
        """`evaluate` of a batch of data and, in the place of the target, conditions."""
        self.check_built()
        return super().test_on_batch(**self._packed(x, y, sample_weight), **kwargs)

    def predict_on_batch(self, x: TensorLike, y: TensorLike | None = None) -> np.ndarray:
        """`log_prob` of a batch in nats, `[n]`; `y` are conditions."""
        self.check_built()
        return super().predict_on_batch(self._packed(x, y)["x"])

    def quantize(self, *args, **kwargs) -> None:
        """As `keras.Model.quantize`."""
        self._functions.clear()
        return super().quantize(*args, **kwargs)

    def _prepare(self, x, y):
        x, y = separate(x, y)
        if not self.built:
            with self.distribute_strategy.scope():
                self.build(*data_shapes(x, y))
        if not self.adapted:
            with self.distribute_strategy.scope():
                self.adapt(x, y)

    def _packed(self, x, condition, sample_weight=None):
        is_wide = flow_dtype(self) == "float64" == getattr(x, "dtype", None)
        if is_wide and (floatx := keras.config.floatx()) != "float64":
            warnings.warn(
                f"Keras hands arrays on in {floatx}: float64 data are rounded. To keep them, call "
                '`keras.config.set_floatx("float64")`, or give a `tf.data.Dataset`.',
                stacklevel=3,
            )
        return pack(x, condition, self.check_data, sample_weight)

    @property
    def adapted(self) -> bool:
        """Whether there is no data-dependent initialisation left to be done."""
        return True

    def adapt(
        self, data: Data, condition: TensorLike | None = None, num_examples: int | None = None
    ) -> None:
        """Data-dependent initialisation, as Keras's `Normalization.adapt`; `fit` calls it once.

        What has been initialized, trained or loaded is left as it is: training has gone on from
        there. Within a model of one's own, or by `target_log_prob`, it is called before training.

        Args:
          data: array, or dataset of batches (of pairs with conditions); or a pair of arrays.
          condition: conditions, where `data` is an array.
          num_examples: how many examples are used, at once: of an array drawn at random, always
            the same; of a dataset the first, so shuffle one that is sorted. None: 4096 vectors, or
            256 images, each of which has many pixels. Of several workers, those of all.
        """
        data, condition = few_examples(*separate(data, condition), num_examples)
        data, condition = pooled(self.distribute_strategy, data, condition)
        if not self.built:
            self.build(*data_shapes(data, condition))
        self.check_data(data, condition)
        if not self.adapted:
            self._adapt(data, self.encode_condition(condition))

    def _adapt(self, x, condition):
        """`adapt` for a model that has what to initialize; the condition as in `_log_prob`."""

    def _build_optimizer(self):
        # Made inside the first training step, its variables would have that step traced twice.
        if self.compiled and not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)

    def _packed_rows(self, x, condition, sample_weight):
        packed = self._packed(x, condition, sample_weight)
        if not has_rows(packed["x"]):
            raise ValueError(
                f"{named(self)} expected one example or more. "
                f"Received: x of shape {np.shape(parts(packed['x'])[0])}."
            )
        return packed

    def _validation(self, data):
        data = data if isinstance(data, (tuple, list)) else (data,)
        x, condition, weight = (*data, None, None)[:3]
        packed = self._packed_rows(x, condition, weight)
        if isinstance(x, tf.data.Dataset):
            return packed["x"]
        return packed["x"], packed.get("y"), packed.get("sample_weight")

    # -- reverse KL ---------------------------------------------------------------------------

    def _reverse_kl_objective(self, n):
        raise ValueError(
            f"`target_log_prob` expected a flow. Received: a {type(self).__name__}, which cannot "
            "be trained by reverse KL."
        )

    def _noise_batches(self, x, batch_size, steps_per_epoch):
        if self.is_discrete:
            raise ValueError(
                "`target_log_prob` expected a flow of continuous data. "
                f"Received: a {type(self).__name__}, whose data are discrete."
            )
        if not self.built:
            raise ValueError(
                f"{named(self)} is not built: without data, `fit` "
                "does not know their shape. Call `build((None, ...))`."
            )
        if self.condition_shape is not None:
            raise ValueError(
                f"{named(self)} expected to be built without a "
                "condition, to be trained on `target_log_prob`. Received: a condition of shape "
                f"{self.condition_shape}."
            )
        if x is not None:
            raise ValueError(
                "`fit` expected x=None after `compile(target_log_prob=...)`: the model is trained "
                f"on its own samples. Received: x of type {type(x).__name__}."
            )
        if steps_per_epoch is None:
            raise ValueError(
                "`fit` expected `steps_per_epoch` after `compile(target_log_prob=...)`: the "
                "model's own samples have no end. Received: steps_per_epoch=None."
            )
        rows = tf.zeros([batch_size or 256, *self.event_shape])
        return tf.data.Dataset.from_tensors(rows).repeat()
