"""The one contract that every layer of a flow keeps."""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfflows.data_types import TensorLike
from tfflows.derived_bijector import DerivedBijector
from tfflows.flow_dtype import flow_dtype
from tfflows.named import named
from tfflows.revived import revived


class BijectorLayer(keras.layers.Layer):
    """A Keras layer that is an invertible map `z = f(x)` from data `x` to latent `z`.

    A subclass creates its weights in `build`, after `super().build(x_shape, condition_shape)`, and
    writes two methods, in which each formula stands once:

    * `forward_and_log_det(x, condition=None) -> (z, log_det)`, `log_det = log|det df/dx|`;
    * `inverse_and_log_det(z, condition=None) -> (x, log_det)`, `log_det = log|det dg/dz|`, where
      `x = g(z)` is the inverse of `f`.

    The first axis is the batch, everything after it the event. `log_det` has shape `[batch]`, is
    in nats, and is float32 whatever the dtype policy computes in (float64 under a "float64"
    policy). Flows compute in that dtype too: a mixed policy reaches only the networks inside.

    Calling the layer is `forward_and_log_det`, with Keras's checks and building.

    Args:
      **kwargs: those of `keras.layers.Layer` (`name`, `dtype`, `trainable`).

    Example:

    >>> class Double(BijectorLayer):
    ...     def forward_and_log_det(self, x, condition=None):
    ...         return 2.0 * x, self.constant_log_det(x, x.shape[-1] * math.log(2.0))
    ...
    ...     def inverse_and_log_det(self, z, condition=None):
    ...         return z / 2.0, self.constant_log_det(z, -z.shape[-1] * math.log(2.0))
    >>> z, log_det = Double()(np.ones([3, 2], "float32"))
    >>> z.shape, log_det.shape
    (TensorShape([3, 2]), TensorShape([3]))
    """

    uses_condition = False
    """Whether the layer can make use of a condition."""

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.event_shape = None
        self.condition_shape = None

    # -- what a subclass writes ---------------------------------------------------------------

    def forward_and_log_det(
        self, x: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """`(f(x), log|det df/dx|)`."""
        raise NotImplementedError

    def inverse_and_log_det(
        self, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """`(g(z), log|det dg/dz|)`, with `g` the inverse of `f`."""
        raise NotImplementedError

    def adapt(self, x: TensorLike, condition: TensorLike | None = None) -> None:
        """Sets the weights that depend on data from a batch of inputs; most layers have none."""

    @property
    def adapted(self) -> bool:
        """Whether nothing is left to be set by `adapt`."""
        return True

    # -- what follows from it -----------------------------------------------------------------

    def bijector(self, condition: tf.Tensor | None = None) -> tfb.Bijector:
        """The layer as a `tfb.Bijector` in TFP's direction: `forward` generates, `inverse` encodes.

        Made anew at each call, from the weights as they are; do not keep it over a training step,
        since TFP's bijectors remember what they have computed.

        Args:
          condition: None, or a tensor `[..., *condition event]`. Its leading axes, if any, are
            the batch shape of the bijector: they and those of a value are broadcast.
        """
        self.check_built()
        self.check_has_condition(condition)
        return DerivedBijector(self, condition)

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        self.event_shape = tuple(x_shape[1:])
        self.condition_shape = None if condition_shape is None else tuple(condition_shape[1:])

    def call(self, x: tf.Tensor, condition: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        if self.event_shape is None:
            raise ValueError(
                f"{named(self)} does not know its shapes: its `build` should call "
                "`super().build(x_shape, condition_shape)`."
            )
        x = tf.cast(x, self.flow_dtype)
        self.check_shape("x", x, self.event_shape)
        z, log_det = self.forward_and_log_det(x, self.check_condition(condition))
        if log_det.shape.rank not in (None, 1):  # others would be broadcast, and give wrong sums
            raise ValueError(
                f"{named(self)} should return log_det of shape "
                f"[batch]. Received: shape {tuple(log_det.shape)}."
            )
        return z, log_det

    def add_flow_weight(
        self, name: str, value: np.ndarray, trainable: bool = True
    ) -> keras.Variable:
        """A weight of the flow itself, in whose dtype it always is; it begins with the value."""
        return self.add_weight(
            shape=value.shape,
            name=name,
            initializer=lambda shape, dtype=None: tf.constant(value, dtype),
            trainable=trainable,
            aggregation="mean",
        )

    def add_weight(
        self, *args, dtype: str | None = None, autocast: bool = False, **kwargs
    ) -> keras.Variable:
        """Keras's, in the dtype of the flow where none is given."""
        dtype = dtype or self.flow_dtype
        return super().add_weight(*args, dtype=dtype, autocast=autocast, **kwargs)

    def compute_output_shape(self, x_shape: tuple, condition_shape: tuple | None = None) -> tuple:
        """Shape of the latent, batch axis included, for data of shape `x_shape`."""
        return tuple(x_shape)

    def compute_output_spec(
        self, x: keras.KerasTensor, condition: keras.KerasTensor | None = None
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        z = keras.KerasTensor(self.compute_output_shape(x.shape), dtype=self.flow_dtype)
        return z, keras.KerasTensor((x.shape[0],), dtype=self.flow_dtype)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Event shape of the latent."""
        return tuple(self.compute_output_shape((None, *self.event_shape))[1:])

    @property
    def flow_dtype(self) -> str:
        """What values and log-determinants are computed in: float32 at least."""
        return flow_dtype(self)

    def constant_log_det(self, x: tf.Tensor, value: float | tf.Tensor) -> tf.Tensor:
        """A log-determinant that is the same for each row of `x`: shape `[batch]`."""
        return tf.fill(tf.shape(x)[:1], tf.cast(value, self.flow_dtype))

    @classmethod
    def from_config(cls, config: dict) -> BijectorLayer:
        # Keras makes the dtype itself: of a name, which its own configs can hold again.
        made = {key: revived(value) for key, value in config.items() if key != "dtype"}
        return super().from_config(config | made)

    @property
    def num_positions(self) -> int:
        """How many times a layer that acts on the last axis acts on one example."""
        self.check_known()
        return math.prod(self.event_shape[:-1])

    def get_build_config(self) -> dict | None:
        if self.event_shape is None:
            return None
        condition = None if self.condition_shape is None else (None, *self.condition_shape)
        return {"x_shape": (None, *self.event_shape), "condition_shape": condition}

    def build_from_config(self, config: dict | None) -> None:
        if config:
            self.build(config["x_shape"], config["condition_shape"])

    # -- checks -------------------------------------------------------------------------------

    def check_built(self) -> None:
        """Raises a ValueError if the weights do not exist yet."""
        if not self.built:
            raise ValueError(
                f"{named(self)} is not built: its weights do not "
                "exist yet. Call it on data first, or call `build((None, ...))`."
            )

    def check_known(self) -> None:
        """Raises a ValueError if a size of the event is not known."""
        if None in self.event_shape:
            raise ValueError(
                f"{named(self)} expected x of known shape. "
                f"Received: shape {shape_text(self.event_shape)}."
            )

    def prepare(self, x: TensorLike, condition: TensorLike | None = None) -> None:
        """Builds the layer for data, unless it is built; ValueError for data of another shape."""
        if np.ndim(x) < 2:
            raise ValueError(
                f"{named(self)} expected x of shape [batch, ...]. "
                f"Received: {type(x).__name__} of shape {np.shape(x)}."
            )
        if not self.built:
            own = None if condition is None else (None, *np.shape(condition)[1:])
            self.build((None, *np.shape(x)[1:]), own)
        self.check_shape("x", np.asarray(x), self.event_shape)

    def check_shape(self, what: str, tensor: tf.Tensor, event_shape: tuple) -> None:
        """Raises a ValueError if `tensor` is no batch of that event shape; None fits any size."""
        given = tuple(tensor.shape[1:])
        matches = len(given) == len(event_shape) and all(
            e is None or g is None or e == g for e, g in zip(event_shape, given)
        )
        if not matches:
            raise ValueError(
                f"{named(self)} expected {what} of shape "
                f"{shape_text(event_shape)}. Received: shape {shape_text(given)}."
            )

    def check_condition(self, condition: TensorLike | None) -> tf.Tensor | None:
        """The condition in the layer's dtype, or an error if it is missing or not wanted."""
        self.check_has_condition(condition)
        if condition is None:
            return None
        condition = tf.cast(condition, self.flow_dtype)
        self.check_shape("a condition", condition, self.condition_shape)
        return condition

    def check_has_condition(self, condition: TensorLike | None) -> None:
        """Raises a ValueError if the condition is missing or not wanted."""
        where = named(self)
        if condition is None and self.condition_shape is not None:
            raise ValueError(
                f"{where} was built with a condition of shape "
                f"{shape_text(self.condition_shape)}. Received: condition=None."
            )
        if condition is not None and self.condition_shape is None:
            why = "was built without one" if self.uses_condition else "has no use for one"
            raise ValueError(
                f"{where} expected condition=None: it {why}. "
                f"Received: a condition of shape {tuple(np.shape(condition))}."
            )


def shape_text(event_shape: tuple) -> str:
    """An event shape as errors show it: `[batch, 3]`."""
    return "[" + ", ".join(["batch", *map(str, event_shape)]) + "]"
