"""What every dequantization has in common."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfflows.check_bounds import check_bounds
from tfflows.data_types import TensorLike
from tfflows.flow_dtype import flow_dtype
from tfflows.named import named
from tfflows.stateless_seed import stateless_seed


class Dequantization(keras.layers.Layer):
    """Noise `u` in `[0, 1)` that makes discrete data `y` continuous: `x = y + bin_width u`.

    With `q` the density of `x` given `y`, `log p(x) - log q(x|y)` is, on average over the noise, a
    lower bound of `log P(y)`, the log-probability of the discrete data (Theis et al. 2016, section
    3.1; Ho et al. 2019, section 3.1).

    Calling the layer, `layer(y, seed=None)`, takes `y` `[batch, ...]`, of any integer or float
    dtype, to `(x, log_q)`: `x` of the same shape, and `log_q`, in nats, `[batch]`. Both are float32
    (float64 under a "float64" policy). `x` never rounds up into the next bin. `seed` is None, for
    noise that differs at each call, or an int or a pair of int32, for noise that is a function of
    the seed; or such a pair for each row (`stateless_noise`). In `tf.data.Dataset.map`, one
    seed for all batches gives all the same noise.

    A subclass writes `_noise`, and `adapt` and `adapted` if it has weights that depend on data.

    Args:
      bin_width: distance between neighbouring values of the data, a number or one for each
        element of the last axis.
      centered: whether the bin of `y` is around `y`, and `u` in `[-1/2, 1/2)`: for data rounded to
        the nearest value, not down.
      num_levels: how many values the data can have, from 0 in steps of `bin_width`; None: any.
      **kwargs: those of `keras.layers.Layer`.

    >>> x, log_q = UniformDequantization(num_levels=256)(np.array([[3, 255]], "uint8"), seed=1)
    >>> np.floor(x).tolist(), log_q.numpy().tolist()
    ([[3.0, 255.0]], [0.0])
    >>> rows = tf.data.Dataset.from_tensor_slices(np.zeros([6, 2], "uint8")).batch(3)
    >>> seeds = tf.data.Dataset.random(seed=1, rerandomize_each_iteration=True).batch(2)
    >>> dequantize = UniformDequantization(num_levels=256)
    >>> rows = tf.data.Dataset.zip(rows, seeds).map(
    ...     lambda y, seed: dequantize(y, seed=tf.cast(seed, tf.int32))
    ... )
    >>> [x.shape for x, log_q in rows]
    [TensorShape([3, 2]), TensorShape([3, 2])]
    """

    def __init__(
        self,
        bin_width: float | Sequence[float] = 1.0,
        centered: bool = False,
        num_levels: int | None = None,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        widths = np.asarray(bin_width, "float64")
        if widths.ndim > 1 or not np.all((widths > 0) & np.isfinite(widths)):
            raise ValueError(
                "`bin_width` should be a positive number or a list of them. "
                f"Received: bin_width={bin_width}."
            )
        if num_levels is not None:
            check_bounds(2, num_levels=num_levels)
        self.bin_width = widths.tolist()
        self.centered = centered
        self.num_levels = num_levels
        self.seed_generator = keras.random.SeedGenerator()

    def _noise(self, y, seed):
        """`u` in `[0, 1]`, of the shape of `y`, and its log-density, `[batch]`."""
        raise NotImplementedError

    def adapt(self, y: TensorLike, seed: TensorLike | None = None) -> None:
        """Sets the weights that depend on data from a batch of them; most have none."""

    @property
    def adapted(self) -> bool:
        """Whether nothing is left to be set by `adapt`."""
        return True

    def call(self, y: TensorLike, seed: TensorLike | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        y = tf.cast(y, self.flow_dtype)
        self._check_last_axis(y)
        seed = stateless_seed(seed, self.seed_generator)
        self._check_seeds(seed, y.shape[0])
        u, log_density = self._noise(y, seed)
        widths = tf.constant(self.bin_width, y.dtype)
        start = y - widths / 2 if self.centered else y
        # The sum may round up to the end of the bin, which belongs to the next one.
        x = tf.minimum(start + widths * u, tf.math.nextafter(start + widths, start))
        x = tf.ensure_shape(x, y.shape)
        log_widths = tf.constant(np.log(self.bin_width), y.dtype)
        log_volume = tf.reduce_sum(tf.broadcast_to(log_widths, tf.shape(y)[1:]))
        return x, log_density - log_volume

    @staticmethod
    def _check_seeds(seed, rows):
        count = seed.shape[0] if seed.shape.rank == 2 else 1
        if None not in (count, rows) and count not in (1, rows):
            raise ValueError(
                f"`seed` should be one, or a pair for each of {rows} rows. "
                f"Received: seeds of shape {tuple(seed.shape)}."
            )

    def middle(self, y: TensorLike) -> tf.Tensor:
        """The middle of the bin of `y`, in the shape and dtype of `layer(y)[0]`."""
        y = tf.cast(y, self.flow_dtype)
        return y if self.centered else y + tf.constant(self.bin_width, y.dtype) / 2

    def discretize(self, x: TensorLike) -> tf.Tensor:
        """The value in whose bin `x` lies, which undoes the noise; the nearest one outside of them.

        Values are the whole multiples of `bin_width`, from 0 to `num_levels - 1` of them if that is
        known.

        Args:
          x: `[batch, ...]`.

        Returns:
          The values, in the shape and dtype of `layer(y)[0]`, not as integers.
        """
        x = tf.cast(x, self.flow_dtype)
        self._check_last_axis(x)
        # In float64, for a float32 quotient can be off by a bin; and compared with the bin's start
        # as it is in the dtype of x, so that each value lies in its own bin.
        widths, offset = tf.constant(self.bin_width, tf.float64), 0.5 if self.centered else 0.0
        index = tf.round(tf.cast(x, tf.float64) / widths + offset)
        start = tf.cast((index - offset) * widths, x.dtype)
        index = tf.where(x < start, index - 1.0, index)
        if self.num_levels is not None:
            index = tf.clip_by_value(index, 0.0, self.num_levels - 1.0)
        return tf.cast(index * widths, x.dtype)

    @property
    def flow_dtype(self) -> str:
        """What values and densities are computed in: float32 at least."""
        return flow_dtype(self)

    def _check_last_axis(self, y):
        widths = np.asarray(self.bin_width)
        if widths.ndim and (y.shape.rank < 2 or y.shape[-1] not in (None, len(widths))):
            raise ValueError(
                f"{named(self)} has {len(widths)} bin widths and "
                f"expected as many elements on the last axis. Received: shape {tuple(y.shape)}."
            )

    def get_config(self) -> dict:
        return super().get_config() | {
            "bin_width": self.bin_width,
            "centered": self.centered,
            "num_levels": self.num_levels,
        }
