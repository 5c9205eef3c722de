"""A density model that is a flow."""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfflows.as_tensor import as_tensor
from tfflows.bijector_layer import BijectorLayer, shape_text
from tfflows.data_types import TensorLike
from tfflows.dequantization import Dequantization
from tfflows.distributions import BaseDistribution, FixedDistribution, StandardNormal
from tfflows.flow_dtype import flow_dtype
from tfflows.layers import Invert
from tfflows.models.checked_data import (
    check_event_shape,
    check_finite,
    check_values,
    check_vectors_shape,
    only_values,
    real_tensor,
)
from tfflows.models.density_model import DensityModel
from tfflows.models.in_parts import in_parts
from tfflows.named import named
from tfflows.revived import revived


@keras.saving.register_keras_serializable("tfflows")
class FlowModel(DensityModel):
    """`log p(x) = log p(z) + log|det df/dx|`, `z = f(x)`: a flow and a base distribution.

    Args:
      flow: a `BijectorLayer`, usually a `Chain`.
      base: a `tfd.Distribution` over latents, a `BaseDistribution`, or None: standard normal.
      dequantization: None, or a `Dequantization` for discrete data: the likelihood is then a
        lower bound, and samples have values of the data, in float32. `encode`, `decode` and
        `distribution` have to do with the continuous `x` that the dequantization makes: a pixel
        counts there as the lower end of its bin.
      num_classes: conditions are labels; None: vectors, or none.
      **kwargs: those of `keras.Model`.

    >>> model = FlowModel(Chain([ActNorm(), Coupling("half", MLP([32]))]))
    >>> model.build((None, 2))
    >>> model.log_prob(np.zeros([5, 2], "float32")).shape
    TensorShape([5])
    """

    def __init__(
        self,
        flow: BijectorLayer,
        base: BaseDistribution | tfd.Distribution | None = None,
        dequantization: Dequantization | None = None,
        num_classes: int | None = None,
        **kwargs,
    ):
        super().__init__(num_classes=num_classes, **kwargs)
        if not isinstance(flow, BijectorLayer):
            raise ValueError(
                f"`flow` should be a `BijectorLayer`. Received: {type(flow).__name__}."
            )
        if not isinstance(dequantization, (Dequantization, type(None))):
            raise ValueError(
                "`dequantization` should be None or a `Dequantization`. "
                f"Received: {dequantization!r}."
            )
        base = _base(base, self.dtype_policy)
        parts = {"flow": flow, "base": base, "dequantization": dequantization}
        for name, part in parts.items():
            if part is not None and (found := flow_dtype(part)) != (own := flow_dtype(self)):
                raise ValueError(
                    f"`{name}` should compute in the dtype of the model. "
                    f"Received: a {name} in {found}, a model in {own}."
                )
        self.flow = flow
        self.base = base
        self.dequantization = dequantization

    @property
    def likelihood(self) -> str:
        return "exact" if self.dequantization is None else "lower_bound"

    @property
    def is_discrete(self) -> bool:
        return self.dequantization is not None

    @property
    def num_values(self) -> int | None:
        discrete = self.dequantization
        whole = discrete is not None and np.all(np.equal(discrete.bin_width, 1.0))
        return discrete.num_levels if whole else None

    def _build(self, x_shape, condition_shape):
        for what, shape in (("x", x_shape), ("conditions", condition_shape)):
            if None in (shape or ())[1:]:
                raise ValueError(
                    f"{named(self)} expected {what} of known shape: make it known by "
                    f"`tf.ensure_shape`. Received: {shape_text(shape[1:])}."
                )
        if self.dequantization is not None and not self.dequantization.built:
            self.dequantization.build(x_shape)
        if condition_shape is not None and not self.flow.uses_condition:
            raise ValueError(
                f"{named(self)} has no layer that can use a condition. "
                f"Received: a condition of shape {tuple(condition_shape)}."
            )
        if not self.flow.built:
            self.flow.build(x_shape, condition_shape)
        self._check_shapes_of_flow(x_shape, condition_shape)
        if not self.base.built:
            self.base.build((None, *self.flow.latent_shape))
        self.base.check_distribution()
        self._has_inverse = any(isinstance(part, Invert) for part in self.flow._flatten_layers())

    def _check_shapes_of_flow(self, x_shape, condition_shape):
        """One that was built before may have been built for something else."""
        condition = None if condition_shape is None else tuple(condition_shape[1:])
        given = tuple(x_shape[1:]), condition
        built = self.flow.event_shape, self.flow.condition_shape
        if given != built:
            raise ValueError(
                f"{named(self)} has a flow that was built for events "
                f"of shape {built[0]} and conditions of shape {built[1]}. Received: {given[0]} and "
                f"{given[1]}."
            )

    @property
    def adapted(self) -> bool:
        noise = self.dequantization
        return self.flow.adapted and (noise is None or noise.adapted)

    def _adapt(self, x, condition):
        x = tf.cast(x, self.flow.flow_dtype)
        if self.dequantization is not None:
            if not self.dequantization.adapted:
                self.dequantization.adapt(x, seed=self.stateless_seed(None))
            x, _ = self.dequantization(x, seed=self.stateless_seed(None))
        if not self.flow.adapted:
            self.flow.adapt(x, condition)

    def _log_prob(self, x, condition, seed):
        log_q = 0.0
        if self.dequantization is not None:
            x, log_q = self.dequantization(x, seed=self.stateless_seed(seed))
        z, log_det = self._latents(x, condition)
        return self.base(z) + log_det - log_q

    def _latents(self, x, condition):
        """`(z, log_det)`; as one `tf.function` where there may be a loop, as inverses have.

        In Python it would take a hundred times as long.
        """
        if tf.executing_eagerly() and self._has_inverse:
            return self.function("latents", self._flow)(x, condition)
        return self._flow(x, condition)

    def _flow(self, x, condition):
        return self.flow(x, condition=condition)

    def encode(self, x: TensorLike, condition: TensorLike | None = None) -> tf.Tensor:
        """Latents of data, `[batch, ...]`; no noise is added where there is a dequantization.

        There, discrete data of an integer dtype count as the middle of their bins, and are again
        what `model.dequantization.discretize(model.decode(z))` gives. Those of a real dtype are
        taken as they are: numbers from 0 to 256, say, not pixels, which would lie at the lower ends
        of their bins, beyond what the flow has seen (take `model.dequantization.middle` of them
        first). Latents like those of samples are `encode(model.dequantization(x)[0])`.

        Args:
          x: data, `[batch, ...]`.
          condition: None, or one for each example.

        Returns:
          Latents of event shape `model.flow.latent_shape`: of a multi-scale flow, `[batch, D]`.

        Raises:
          ValueError: the model is not built; data or conditions are of another shape than it was
            built for, or arrays with NaN or infinity, or of integers that data cannot be.

        >>> model = RealNVP(num_couplings=2, units=(8,))
        >>> model.build((None, 3))
        >>> x = np.ones([5, 3])
        >>> bool(np.allclose(model.decode(model.encode(x)), x, atol=1e-5))
        True
        """
        self.check_built()
        if not tf.is_tensor(x):
            if np.issubdtype(np.asarray(x).dtype, np.integer):
                check_values(self, x)
            else:
                check_finite(self, "x", x)
        x, condition = self.as_tensors(x, condition)
        if self.dequantization is not None and x.dtype.is_integer:
            x = self.dequantization.middle(only_values(self, x))
        return self._latents(x, condition)[0]

    def decode(self, z: TensorLike, condition: TensorLike | None = None) -> tf.Tensor:
        """Data of latents, `[batch, ...]`: the inverse of `encode`, not discretized.

        Args:
          z: latents, as `encode` gives them.
          condition: None, or one for each of them.

        Returns:
          `[batch, ...]`; of pixels, reals, of which `model.dequantization.discretize` makes pixels.

        Raises:
          ValueError: as in `encode`, of latents.

        >>> model = Glow(num_levels=2, num_steps=1, units=8, seed=1)
        >>> model.build((None, 8, 8, 1))
        >>> model.decode(np.zeros([2, 64])).shape
        TensorShape([2, 8, 8, 1])
        """
        z, condition = self.as_tensors(self.checked_latents(z), condition)
        return self.function("decode", self._decode)(z, condition)

    def checked_latents(self, z: TensorLike) -> tf.Tensor:
        """Latents as the layers take them."""
        self.check_built()
        z = tf.cast(real_tensor(self, "z", z), self.flow.flow_dtype)
        self.flow.check_shape("z", z, self.flow.latent_shape)
        return z

    def _decode(self, z, condition):
        return in_parts(self._inverse, self.batch_parts, z, condition)

    def _inverse(self, z, condition):
        return self.flow.inverse_and_log_det(z, condition)[0]

    def _sample(self, n, condition, temperature, seed):
        return self._discretized(self._decode(self.base.sample(n, temperature, seed), condition))

    def sample_and_log_prob(
        self, n: int, condition: TensorLike | None = None, seed: TensorLike | None = None
    ) -> tuple:
        """`(sample(n), log_prob of it)`, of one pass: for importance sampling, say.

        Args:
          n, condition, seed: those of `sample`.

        Returns:
          `[n, ...]`, and log-densities in nats, `[n]`.

        Raises:
          ValueError: the data are discrete; of those there is a bound alone, by `log_prob`.

        >>> model = IAF(num_layers=2, units=(8,))
        >>> model.build((None, 2))
        >>> x, log_prob = model.sample_and_log_prob(5, seed=0)
        >>> bool(np.allclose(log_prob, model.log_prob(x), atol=1e-5))
        True
        """
        if self.is_discrete:
            raise ValueError(
                "`sample_and_log_prob` expected a model of continuous data. Received: "
                f"{type(self).__name__} with a dequantization. Use `sample`, then `log_prob`."
            )
        method = self._sample_and_log_prob
        return self._checked_sample("sample_and_log_prob", method, n, condition, 1.0, seed)

    def _sample_and_log_prob(self, n, condition, temperature, seed):
        z = self.base.sample(n, temperature, seed)
        x, log_det = self.flow.inverse_and_log_det(z, condition)
        return x, self.base(z) - log_det

    def _discretized(self, x):
        return x if self.dequantization is None else self.dequantization.discretize(x)

    def interpolate(
        self,
        start: TensorLike,
        end: TensorLike,
        position: TensorLike,
        condition: TensorLike | None = None,
    ) -> tf.Tensor:
        """Examples on the way from one to another, through the latent space.

        The weights of the two latents are cosine and sine, whose squares add up to 1; what lies
        between is as far from the origin as the two are, and so as likely as they are where the
        base is a standard normal. Discrete data are taken to be in the middle of their bins, and
        discretized again.

        Args:
          start, end: data, `[batch, ...]`.
          position: from 0, at the start, to 1, at the end: `[batch, steps]`.
          condition: None, or one for each pair.

        Returns:
          `[batch, steps, ...]`.

        >>> model = Glow(num_levels=2, num_steps=1, units=8, seed=1)
        >>> model.build((None, 8, 8, 1))
        >>> start, end = np.zeros([2, 8, 8, 1]), np.full([2, 8, 8, 1], 255.0)
        >>> model.interpolate(start, end, np.linspace(0, 1, 5) * np.ones([2, 1])).shape
        TensorShape([2, 5, 8, 8, 1])
        """
        self.check_built()
        for x in (start, end):
            check_event_shape(self, np.shape(x))
            if not tf.is_tensor(x):
                check_values(self, x)
        _check_position(position, np.shape(start), np.shape(end))
        start, condition = self.as_tensors(start, condition)
        end, position = as_tensor(end), as_tensor(position)
        return self.function("interpolate", self._interpolate)(start, end, position, condition)

    def _interpolate(self, start, end, position, condition):
        x = tf.concat([tf.cast(y, self.flow.flow_dtype) for y in (start, end)], 0)
        x = x if self.dequantization is None else self.dequantization.middle(x)
        both = None if condition is None else tf.concat([condition, condition], 0)
        start, end = tf.split(self.flow(x, condition=both)[0][:, tf.newaxis], 2)
        angle = tf.cast(position, self.flow.flow_dtype) * (math.pi / 2)
        angle = tf.reshape(angle, [*tf.unstack(tf.shape(angle)), *[1] * (len(end.shape) - 2)])
        start, end = tf.cos(angle) * start, tf.sin(angle) * end
        z = start + end
        axes = range(2, len(z.shape))
        length = tf.reduce_sum(start**2 + end**2, axes, keepdims=True)
        straight = tf.reduce_sum(z**2, axes, keepdims=True)
        z *= tf.sqrt(tf.math.divide_no_nan(length, straight))
        if condition is not None:
            condition = tf.repeat(condition, tf.shape(position)[1], axis=0)
        z = tf.reshape(z, [-1, *self.flow.latent_shape])
        x = self._discretized(self._decode(z, condition))
        return tf.reshape(x, tf.concat([tf.shape(position), self.event_shape], 0))

    def served_once(self) -> list[tuple]:
        return [(self.flow, "forward_and_log_det"), (self.flow, "inverse_and_log_det")]

    def distribution(self, condition: TensorLike | None = None) -> tfd.TransformedDistribution:
        """The model as a `tfd.TransformedDistribution`, from the weights as they are.

        What goes in sequence (sampling of a MAF, of emerging convolutions, of mixtures of
        logistics; densities of an IAF) belongs within a `tf.function`: outside, its loop is a slow
        one in Python. The model's own methods see to that.

        Args:
          condition: None, or one condition (then no batch shape), or a batch of them.
        """
        self.check_built()
        batch = ()
        if condition is not None and self.condition_shape is not None:
            condition = real_tensor(self, "condition", condition)
            batch = self._batch_of_conditions(condition)
            if self.num_classes:
                condition = tf.reshape(condition, [-1])
        encoded = self.encode_condition(condition)
        if encoded is not None:
            encoded = tf.reshape(encoded, tf.concat([batch, self.flow.condition_shape], 0))
        return tfd.TransformedDistribution(self.base.distribution(), self.flow.bijector(encoded))

    def _batch_of_conditions(self, condition):
        """The batch shape of conditions, of which labels may be a column."""
        if not self.num_classes:
            rank = len(self.condition_shape)
            if condition.shape.rank is not None:
                check_vectors_shape(self, [None, *condition.shape[-rank:]])
            return tf.shape(condition)[:-rank]
        is_column = condition.shape.rank > 1 and condition.shape[-1] == 1
        return tf.shape(condition)[:-1] if is_column else tf.shape(condition)

    def _reverse_kl_objective(self, n):
        """`log target(x) - log q(x)` of `n` samples: minus the integrand of KL(q || target)."""
        x, log_prob = self._sample_and_log_prob(n, None, 1.0, self.stateless_seed(None))
        log_target = tf.cast(self.target_log_prob(x), log_prob.dtype)
        if log_target.shape.rank != 1 or not log_target.shape.is_compatible_with(log_prob.shape):
            raise ValueError(
                "`target_log_prob` should return the log-density of each example, of shape "
                f"[batch]. Received: shape {shape_text(log_target.shape)}."
            )
        return log_target - log_prob

    def get_config(self) -> dict:
        return self.own_config() | {"flow": keras.saving.serialize_keras_object(self.flow)}

    def own_config(self) -> dict:
        """The config less the flow, for subclasses that make their flow themselves."""
        serialize = keras.saving.serialize_keras_object
        deq = self.dequantization
        return DensityModel.get_config(self) | {
            "base": serialize(self.base),
            "dequantization": None if deq is None else serialize(deq),
        }

    @classmethod
    def from_config(cls, config: dict) -> FlowModel:
        return cls(**revived(config))


def _check_position(position, start, end):
    """Raises a ValueError for positions that are none on the ways between data of two shapes."""
    shape, rows = tuple(np.shape(position)), [tf.TensorShape(data)[:1] for data in (start, end)]
    if not rows[0].is_compatible_with(rows[1]):
        raise ValueError(
            "`start` and `end` should have the same number of examples. "
            f"Received: shapes {tuple(start)} and {tuple(end)}."
        )
    if len(shape) != 2 or not rows[0].is_compatible_with(shape[:1]):
        raise ValueError(
            f"`position` should be of shape [batch, steps], batch {rows[0][0]} here. "
            f"Received: shape {shape}."
        )
    if not tf.is_tensor(position):
        values = np.asarray(position)
        if not ((values >= 0) & (values <= 1)).all():
            raise ValueError(f"`position` should be from 0 to 1. Received: position={position}.")


def _base(base, policy):
    if base is None:
        return StandardNormal(name="base", dtype=policy)
    if isinstance(base, tfd.Distribution):
        return FixedDistribution(base, name="base", dtype=policy)
    if isinstance(base, BaseDistribution):
        return base
    raise ValueError(
        "`base` should be None, a `tfd.Distribution` or a `BaseDistribution`. "
        f"Received: {type(base).__name__}."
    )
