"""The autoregressive network."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from tfflows.named import named
from tfflows.networks.masked_dense import MaskedDense
from tfflows.networks.packed_layer import PackedLayer
from tfflows.networks.solve_by_degree import solve_by_degree
from tfflows.networks.spread_bias import spread_bias
from tfflows.networks.widths import widths
from tfflows.permute_last_axis import permute_last_axis


@keras.saving.register_keras_serializable("tfflows")
class MADE(keras.layers.Layer):
    """Masked autoencoder: parameters of `x_i` that depend on `x_j` only for `j` before `i`.

    Germain et al. 2015; with `residual=True`, pre-activation residual blocks of two masked layers
    (Nash and Durkan 2019). The last layer starts at zero. A condition is seen by every output.

    Hidden units are sorted by degree, where the degree is how many inputs, in the order of the
    factorization, a unit sees. That makes each mask a staircase (see `Staircase`), and lets
    `sequential` compute every unit once.

    Args:
      units: widths of the hidden layers; with `residual`, all equal: the first layer, then a
        block for each of the others.
      num_parameters: outputs for each input; None: the layer that owns the network says.
      activation: a Keras activation.
      residual: whether the hidden layers are residual blocks.
      order: the factorization: "natural", "reverse", or the input indices, first to last.
      **kwargs: those of `keras.layers.Layer`.

    Call: `(x [batch, D], condition [batch, C] or None) -> [batch, D, num_parameters]`.

    >>> MADE([32, 32], num_parameters=2)(np.ones([4, 3], "float32")).shape
    TensorShape([4, 3, 2])
    """

    def __init__(
        self,
        units: Sequence[int] = (128, 128),
        num_parameters: int | None = None,
        activation: str | Callable = "relu",
        residual: bool = False,
        order: str | Sequence[int] = "natural",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = widths(units)
        self.num_parameters = num_parameters
        self.activation = keras.activations.get(activation)
        self.residual = residual
        self.order = order if isinstance(order, str) else tuple(int(i) for i in order)
        self.condition_layer = None
        if not self.units:
            raise ValueError(f"`units` should be one width or more. Received: units={units}.")
        if residual and len(set(self.units)) > 1:
            raise ValueError(
                f"`units` should all be equal with `residual=True`. Received: units={units}."
            )

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        if self.num_parameters is None:
            raise ValueError(
                "`num_parameters` should be a positive integer for a MADE that no autoregressive "
                "layer owns. Received: num_parameters=None."
            )
        if condition_shape is not None and len(condition_shape) != 2:
            raise ValueError(
                "`MADE` expected conditions that are vectors [batch, C]. "
                f"Received: shape {tuple(condition_shape)}."
            )
        dim = x_shape[-1]
        if condition_shape is not None and dim > 1 and min(self.units) < 2:
            raise ValueError(
                "`units` should be 2 or more with a condition: a unit that sees nothing else, and "
                f"one that sees inputs. Received: units={self.units}."
            )
        self.permutation = _permutation(self.order, dim)
        # Without a condition, a unit that sees no input is a constant.
        lowest = 0 if condition_shape is not None or dim == 1 else 1
        degrees = [np.arange(1, dim + 1)]
        degrees += [_hidden_degrees(n, lowest, dim - 1) for n in self._widths()]
        degrees += [np.repeat(np.arange(dim), self.num_parameters)]
        self.masked_layers = [
            MaskedDense(
                a,
                b,
                **self._initializers(i, len(degrees) - 2, len(a)),
                name=f"masked_{i}",
                dtype=self.dtype_policy,
            )
            for i, (a, b) in enumerate(zip(degrees[:-1], degrees[1:]))
        ]
        for layer in self.masked_layers:
            layer.build((None, len(layer.in_degrees)))
        if condition_shape is not None:
            self.condition_layer = keras.layers.Dense(
                self.units[0], use_bias=False, name="condition", dtype=self.dtype_policy
            )
            self.condition_layer.build(condition_shape)

    def check_shape(self, x_shape: tuple | tf.TensorShape) -> None:
        """Raises a ValueError for vectors of another length than it was built for."""
        dim = len(self.permutation)
        if x_shape[-1] not in (None, dim):
            raise ValueError(
                f"{named(self)} was built for x of shape [batch, {dim}]. "
                f"Received: shape {tuple(x_shape)}."
            )

    def call(self, x: tf.Tensor, condition: tf.Tensor | None = None) -> tf.Tensor:
        self.check_shape(x.shape)
        h = permute_last_axis(x, self.permutation)
        shift = None if condition is None else self.condition_layer(condition)
        outputs = self._wire(lambda i, inputs: self.masked_layers[i](inputs), h, shift)
        dim = len(self.permutation)
        outputs = tf.reshape(outputs, [-1, dim, self.num_parameters])
        if self.order == "natural":
            return outputs
        return tf.gather(outputs, np.argsort(self.permutation), axis=1)

    def sequential(
        self, invert: Callable, z: tf.Tensor, condition: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Solves for `x` one input after another, each unit of the network computed once.

        A pass of the network for each of the D inputs would compute everything D times. Here a
        step computes only the units of one degree, from those before it: see `solve_by_degree`.

        Args:
          invert: `(z_i [batch], parameters [batch, num_parameters]) -> (x_i, log_det)`.
          z: `[batch, D]`.
          condition: None or `[batch, C]`.

        Returns:
          `(x [batch, D], log_det [batch])`.
        """
        if z.shape[0] == 0:
            return z, tf.zeros([0], z.dtype)
        dim = len(self.permutation)
        size = math.ceil(0.6 * dim**0.5)
        grid = -(-dim // size), size
        layers = [
            PackedLayer(layer, grid, z.dtype, is_first=i == 0)
            for i, layer in enumerate(self.masked_layers)
        ]
        shift = None
        if condition is not None:
            shift = tf.cast(self.condition_layer(condition), z.dtype)
            shift = layers[0].pack(tf.transpose(shift))
        z = tf.transpose(permute_last_axis(z, self.permutation))
        x, log_det = solve_by_degree(layers, self._wire, invert, z, shift)
        return permute_last_axis(tf.transpose(x), np.argsort(self.permutation)), log_det

    def _wire(self, apply, x, shift):
        """The network, given how layer `i` is applied: to whole vectors, or to some units."""
        h = apply(0, x)
        if shift is not None:
            h = h + shift
        last = len(self.masked_layers) - 1
        if self.residual:
            for i in range(1, last, 2):
                h = h + apply(i + 1, self.activation(apply(i, self.activation(h))))
        else:
            for i in range(1, last):
                h = apply(i, self.activation(h))
        return apply(last, self.activation(h))

    def _widths(self):
        first, *others = self.units
        return [first, *[n for n in others for _ in range(2 if self.residual else 1)]]

    def _initializers(self, i, last, num_inputs):
        if i == last or self.residual and i > 0 and i % 2 == 0:  # the end, or that of a block
            return {"kernel_initializer": "zeros"}
        return {"bias_initializer": spread_bias(num_inputs)}

    def compute_output_shape(self, x_shape: tuple, condition_shape: tuple | None = None) -> tuple:
        return (*x_shape, self.num_parameters)

    def get_config(self) -> dict:
        return super().get_config() | {
            "units": self.units,
            "num_parameters": self.num_parameters,
            "activation": keras.activations.serialize(self.activation),
            "residual": self.residual,
            "order": self.order,
        }


def _hidden_degrees(units, lowest, highest):
    count = highest - lowest + 1
    if units < count:  # spread over all, with both ends
        if units == 1:
            return np.array([(lowest + highest) // 2])
        return np.linspace(lowest, highest, units).round().astype(int)
    return np.sort(np.arange(units) % count + lowest)


def _permutation(order, dim):
    if order == "natural":
        return np.arange(dim)
    if order == "reverse":
        return np.arange(dim)[::-1]
    if isinstance(order, str) or sorted(order) != list(range(dim)):
        raise ValueError(
            f'`order` should be "natural", "reverse", or a permutation of 0 to {dim - 1}. '
            f"Received: order={order}."
        )
    return np.asarray(order)
