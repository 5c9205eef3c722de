"""What every model of a density has in common."""

from __future__ import annotations

import math
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfflows import saved_model
from tfflows.as_tensor import as_tensor
from tfflows.bijector_layer import shape_text
from tfflows.check_bounds import check_bounds
from tfflows.data_types import TensorLike
from tfflows.flow_dtype import flow_dtype
from tfflows.frozen_layers import freeze, frozen_layers
from tfflows.models.checked_data import (
    check_count,
    check_data,
    check_importance_samples,
    check_labels_shape,
    check_real,
    check_rows,
    check_temperature,
    check_values,
    check_vectors_shape,
)
from tfflows.models.conditions import encode_condition, repeat_condition
from tfflows.models.likelihood_training import LikelihoodTraining
from tfflows.models.log_mean_exp import log_mean_exp
from tfflows.named import named
from tfflows.stateless_seed import fold_in, stateless_seed
from tfflows.weight_paths import check_unshared


class DensityModel(LikelihoodTraining):
    """A Keras model of p(x), or of p(x | condition).

    `fit(x)` models p(x); `fit(x, c)`, or a `tf.data.Dataset` of pairs, models p(x | c), where `c`
    is a vector for each example, or a class label with `num_classes`. The loss is the negative
    log-likelihood: `compile()` takes none. Calling the model, and `predict`, give `log_prob`.

    A subclass writes `_log_prob`, `_build`, and `_sample`.

    Args:
      num_classes: conditions are labels from 0 to `num_classes - 1`; None: vectors, or none.
      **kwargs: those of `keras.Model`.

    >>> x, labels = np.random.default_rng(0).normal(size=[64, 3]), np.arange(64) % 2
    >>> model = MAF(num_layers=2, units=(16,), num_classes=2)
    >>> model.compile(keras.optimizers.Adam(1e-3))
    >>> history = model.fit(x, labels, batch_size=32, epochs=2, verbose=0)
    >>> model.log_prob(x[:5], labels[:5]).shape, model.predict(x, labels, verbose=0).shape
    (TensorShape([5]), (64,))
    >>> model.sample(4, condition=1, temperature=0.8, seed=0).shape
    TensorShape([4, 3])
    >>> list(model.evaluate(x, labels, verbose=0, return_dict=True))
    ['loss', 'nll']
    """

    likelihood = "exact"
    """Whether `log_prob` is the log-likelihood itself, or a "lower_bound" of it."""

    is_discrete = False
    """Whether probabilities are those of discrete data, which bits per dimension are made for."""

    num_values = None
    """Of data that are integers, pixels: from 0 to one less; None: data are something else."""

    def __init__(self, num_classes: int | None = None, **kwargs):
        super().__init__(**kwargs)
        if num_classes is not None:
            check_bounds(2, num_classes=num_classes)
        self.num_classes = num_classes
        self.event_shape = None
        self.condition_shape = None
        self._is_half_built = False
        self.seed_generator = keras.random.SeedGenerator()

    # -- the density --------------------------------------------------------------------------

    def log_prob(
        self,
        x: TensorLike,
        condition: TensorLike | None = None,
        seed: TensorLike | None = None,
        num_importance_samples: int = 1,
    ) -> tf.Tensor:
        """Log-density (for discrete data: log-probability) of each example in nats, `[batch]`.

        Arrays with NaN, infinity, or integers that are no values of the data are refused; what is a
        tensor is taken as it is, and NaN gives NaN.

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
        check_importance_samples(self, num_importance_samples)
        if not tf.is_tensor(x):
            check_values(self, x)
        x, condition = self.as_tensors(x, condition)
        if num_importance_samples == 1:
            return self._log_prob(x, condition, seed)
        seed = self.stateless_seed(seed)

        def log_weight(i):
            return self._log_prob(x, condition, fold_in(seed, i))

        return log_mean_exp(log_weight, num_importance_samples)

    def _log_prob(self, x, condition, seed):
        """`log_prob` for a condition as `encode_condition` gives it, with one sample of noise."""
        raise NotImplementedError

    def bits_per_dim(
        self,
        x: TensorLike,
        condition: TensorLike | None = None,
        seed: TensorLike | None = None,
        num_importance_samples: int = 1,
    ) -> tf.Tensor:
        """`-log_prob / (D log 2)` of each example, `[batch]`, D the dimensions of an example.

        Args:
          x, condition, seed, num_importance_samples: those of `log_prob`.
        """
        log_prob = self.log_prob(x, condition, seed, num_importance_samples)
        shape = np.shape(x)[1:]
        if None in shape:
            shape = tf.unstack(tf.cast(tf.shape(x)[1:], log_prob.dtype))
        return -log_prob / (math.prod(shape) * math.log(2.0))

    def sample(
        self,
        n: int,
        condition: TensorLike | None = None,
        temperature: TensorLike = 1.0,
        seed: TensorLike | None = None,
    ) -> tf.Tensor:
        """Draws `n` examples, `[n, ...]`.

        Args:
          n: how many; within a `tf.function` it may be a tensor.
          condition: one for all samples, or `n` of them.
          temperature: factor on the scale of the base distribution; below 1: nearer the modes.
          seed: an int or a pair of int32; the same seed gives the same samples (others where XLA
            compiles the function that this is called in). With a pair for each sample, `[n, 2]`,
            each depends on its own alone, and may have its own temperature.

        Returns:
          `[n, ...]`, in the dtype of the flow; discrete data too.
        """
        return self._checked_sample("sample", self._sample, n, condition, temperature, seed)

    def _checked_sample(self, name, method, n, condition, temperature, seed, **given):
        """A method that samples, as one `tf.function`, of arguments that are checked."""
        self.check_built()
        check_count(n)
        condition = repeat_condition(self, condition, n)
        function, *drawn = self._drawing(name, method, n, temperature, seed)
        return function(tf.cast(n, tf.int32), condition, *drawn, **given)

    def _drawing(self, name, method, n, temperature, seed):
        """A method that samples, as a `tf.function`, and its temperature and seed, checked."""
        check_temperature(temperature)
        temperature = tf.cast(as_tensor(temperature), flow_dtype(self))
        seed = self.stateless_seed(seed)
        self._check_seeds(n, temperature, seed)
        # Seeds of rows are traced by themselves: a graph for both would be for any rank.
        name = name if seed.shape.rank == 1 else f"{name}_rows"
        return self.function(name, method), temperature, seed

    @staticmethod
    def _check_seeds(n, temperature, seed):
        by_row, n = seed.shape.rank == 2, tf.get_static_value(n)
        if by_row and n is None:
            n = seed.shape[0]
        if by_row and seed.shape[0] != n or temperature.shape not in [[], *[[n]] * by_row]:
            raise ValueError(
                f"`seed` should be one, or n={n} pairs; `temperature` a number or, with that many "
                f"seeds, n={n} of them. Received: seeds of shape {tuple(seed.shape)}, temperatures "
                f"of shape {tuple(temperature.shape)}."
            )

    def _sample(self, n, condition, temperature, seed):
        raise NotImplementedError

    # -- weights ------------------------------------------------------------------------------

    def build(self, input_shape: tuple, condition_shape: tuple | None = None) -> None:
        """Makes the weights for data of shape `input_shape`, batch axis included.

        Args:
          input_shape: `(None, ...)`; or the pair of it and the condition's shape.
          condition_shape: `(None, C)` for vectors, `(None,)` for labels; None: no condition.
        """
        if self._is_half_built:
            raise ValueError(
                f"{named(self)} could not be built before, and some of its layers are, for data of "
                "another shape. Make a new model."
            )
        before = self.event_shape, self.condition_shape, len(self.weights)
        try:
            self._build_for(input_shape, condition_shape)
        except Exception:
            self.event_shape, self.condition_shape = before[:2]
            self._is_half_built = len(self.weights) > before[2]
            raise
        if not self.trainable:  # nor is what was made after the model was told so
            for layer in self._flatten_layers(include_self=False):
                layer.trainable = False

    def _build_for(self, input_shape, condition_shape):
        if isinstance(input_shape[0], (tuple, list)):
            input_shape, condition_shape = input_shape
        if len(input_shape) < 2:
            raise ValueError(
                f"{named(self)} expected x of shape [batch, ...]. "
                f"Received: shape {shape_text(input_shape[1:])}."
            )
        self.event_shape = tuple(input_shape[1:])
        if (self.num_classes is not None) and condition_shape is None:
            condition_shape = (None,)
        if condition_shape is not None:
            self.condition_shape = tuple(condition_shape[1:])
            if self.num_classes is not None:
                check_labels_shape(self, self.condition_shape)
                condition_shape = (None, self.num_classes)
            elif not self.condition_shape:
                raise ValueError(
                    f"{named(self)} expected conditions of shape "
                    "[batch, C]; labels need `num_classes`. Received: shape [batch]."
                )
        self._build((None, *self.event_shape), condition_shape)

    def _build(self, x_shape, condition_shape):
        raise NotImplementedError

    def get_build_config(self) -> dict | None:
        if not self.built:
            return None
        check_unshared(self)
        condition = None if self.condition_shape is None else (None, *self.condition_shape)
        config = {"input_shape": (None, *self.event_shape), "condition_shape": condition}
        # The config of a model need not hold its layers, nor so which of them are frozen.
        frozen = frozen_layers(self) if self.trainable else []
        return config | ({"frozen": frozen} if frozen else {})

    def build_from_config(self, config: dict | None) -> None:
        if config:
            self.build(config["input_shape"], config["condition_shape"])
            freeze(self, config.get("frozen", []))

    # -- serving ------------------------------------------------------------------------------

    def served_once(self) -> list[tuple]:
        """Objects and their methods whose graphs several signatures of an export share."""
        return []

    # -- checks and conversions ---------------------------------------------------------------

    def check_built(self) -> None:
        if not self.built:
            raise ValueError(
                f"{named(self)} is not built: it does not know the "
                "shape of the data yet. Call `fit`, or `build((None, ...))`."
            )

    def check_data(self, x: TensorLike, condition: TensorLike | None = None) -> None:
        """Raises a ValueError for data the model cannot take: shape, NaN, condition, labels."""
        check_data(self, x, condition)

    def as_tensors(
        self, x: TensorLike, condition: TensorLike | None
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Data, and the conditions of as many examples as the layers take them."""
        x, condition = as_tensor(x), self.encode_condition(condition)
        check_real(self, "x", x.dtype)
        if condition is not None:
            if self.num_classes is None:
                check_vectors_shape(self, condition.shape)
            check_rows(self, x.shape[0] if x.shape.rank else None, condition.shape[0])
        return x, condition

    def encode_condition(self, condition: TensorLike | None) -> tf.Tensor | None:
        """Conditions as the layers take them: vectors or one-hot labels, in the flow's dtype."""
        return encode_condition(self, condition)

    def stateless_seed(self, seed: TensorLike | None) -> tf.Tensor:
        """A pair of int32 from an int, a pair, or None (a fresh one from the model's own)."""
        return stateless_seed(seed, self.seed_generator)

    @property
    def nats_per_bit(self) -> float:
        """What a log-probability in nats is divided by to be in bits per dimension."""
        return math.prod(self.event_shape) * math.log(2.0)

    # -- saving -------------------------------------------------------------------------------

    def save(self, *args, **kwargs) -> None:
        """As `keras.Model.save`; ValueError, and nothing is written, where layers share weights."""
        check_unshared(self)
        super().save(*args, **kwargs)

    def export(self, path: str | Path, metadata: dict | None = None) -> None:
        """Writes one SavedModel directory: servable, preset and Keras model (`tfflows.load`).

        The weights are those that the model has: with an optimizer's `use_ema`, the averages once
        `fit` has returned, and in a callback those that are being trained.

        Args:
          path: the directory, for TF Serving `NAME/VERSION`; it appears whole or not at all.
          metadata: kept in the artifact as JSON: recipe, metrics.
        """
        saved_model.export(self, path, metadata)

    def get_config(self) -> dict:
        return super().get_config() | {"num_classes": self.num_classes}

    @classmethod
    def from_config(cls, config: dict) -> DensityModel:
        return cls(**config)
