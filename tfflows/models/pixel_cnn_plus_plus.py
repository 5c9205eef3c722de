"""PixelCNN++."""

from __future__ import annotations

import numbers
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfflows.at_least_one import at_least_one
from tfflows.bijector_layer import shape_text
from tfflows.check_bounds import check_bounds
from tfflows.data_types import TensorLike
from tfflows.distributions import CategoricalLogisticHead, DiscretizedLogisticHead
from tfflows.flow_dtype import flow_dtype
from tfflows.models.checked_data import check_event_shape, only_values
from tfflows.models.density_model import DensityModel
from tfflows.models.random_pixels import random_pixels
from tfflows.named import named
from tfflows.networks import PixelCNN
from tfflows.sampling import RasterSampler, WavefrontSampler
from tfflows.stateless_noise import stateless_noise
from tfflows.stateless_seed import stateless_seed


@keras.saving.register_keras_serializable("tfflows")
class PixelCNNPlusPlus(DensityModel):
    """Pixels one after another, each a discretized mixture of logistics: an exact likelihood.

    Salimans et al. 2017; `PixelCNN` says in what its network differs, and the head's last layer is
    a plain one. Data are images of integers `[batch, height, width, channels]`. What a
    pixel depends on is an argument: with levels and blocks all that is above and to the left of it;
    with `num_levels=1, kernel_size=1` the pixels within `first_kernel_size // 2` rows and columns
    (a *local* model, small and fast). Trained on images of one size, a model without levels scores
    (`log_prob`) and draws (`sample(size=...)`) others too.

    Args:
      units: channels of the network.
      num_blocks: residual blocks at each resolution, before the lower ones and after.
      num_levels: resolutions, each half of the one before.
      num_components: logistics in each mixture.
      kernel_size, first_kernel_size: those of `PixelCNN`.
      dropout: share of features dropped in training, in each block.
      memory: what the backward pass keeps: None or "recompute", that of `PixelCNN`.
      num_bits: pixels are integers from 0 to `2**num_bits - 1`.
      pixels_per_image: of a local model, how many pixels of each image a training step looks at,
        new ones at random in each step, by which the loss is estimated without bias; all else looks
        at all of them. Many images and some of their pixels teach more in the same time than few
        whole ones (`benchmarks/some_pixels.py`). None: all.
      seed: of their choice; None, or an int.
      categorical_units: hidden units of a categorical over the values of a pixel that is mixed with
        the logistics (`CategoricalLogisticHead`), for images whose values do not vary smoothly, as
        those of MNIST; 128 is a good start. None: logistics alone, as in the paper.
      num_classes, **kwargs: those of `DensityModel`.

    >>> model = PixelCNNPlusPlus(units=8, num_blocks=1, num_levels=2, num_components=2)
    >>> model.build((None, 8, 8, 1))
    >>> model.log_prob(np.zeros([3, 8, 8, 1], "uint8")).shape, model.likelihood
    (TensorShape([3]), 'exact')
    """

    is_discrete = True

    def __init__(
        self,
        units: int = 64,
        num_blocks: int = 1,
        num_levels: int = 2,
        num_components: int = 10,
        kernel_size: int = 3,
        first_kernel_size: int = 3,
        dropout: float = 0.0,
        memory: str | None = None,
        num_bits: int = 8,
        pixels_per_image: int | None = None,
        seed: int | None = None,
        num_classes: int | None = None,
        categorical_units: int | None = None,
        **kwargs,
    ):
        super().__init__(num_classes=num_classes, **kwargs)
        check_bounds(1, 16, num_bits=num_bits)
        check_bounds(1, num_components=num_components)
        if categorical_units is not None:
            check_bounds(1, categorical_units=categorical_units)
        _check_pixels_per_image(pixels_per_image, kernel_size)
        self.units = units
        self.num_blocks = num_blocks
        self.num_levels = num_levels
        self.num_components = num_components
        self.kernel_size = kernel_size
        self.first_kernel_size = first_kernel_size
        self.dropout = dropout
        self.memory = memory
        self.num_bits = num_bits
        self.pixels_per_image = pixels_per_image
        self.seed = seed
        self.categorical_units = categorical_units
        self.choice = keras.random.SeedGenerator(seed) if pixels_per_image else None
        self.network = PixelCNN(
            units, num_blocks, num_levels, kernel_size, first_kernel_size, dropout, memory,
            name="network", dtype=self.dtype_policy,
        )  # fmt: skip
        self.sampler = WavefrontSampler if self.network.is_local else RasterSampler
        self.head = None

    def _build(self, x_shape, condition_shape):
        if len(x_shape) != 4 or not all(x_shape[1:]):  # one is None, or 0
            raise ValueError(
                f"{named(self)} expected images [batch, height, "
                f"width, channels] of a known size. Received: shape {shape_text(x_shape[1:])}."
            )
        if condition_shape is not None and len(condition_shape) != 2:
            raise ValueError(
                f"{named(self)} expected conditions of shape "
                f"[batch, C]. Received: shape {shape_text(condition_shape[1:])}."
            )
        if self.pixels_per_image and self.pixels_per_image > (count := x_shape[1] * x_shape[2]):
            raise ValueError(
                f"`pixels_per_image` should be at most {count}, all pixels of an image. "
                f"Received: pixels_per_image={self.pixels_per_image}."
            )
        self.head = self._make_head(x_shape[-1])
        self.network.build(x_shape, condition_shape)
        self.head.build((*x_shape[:-1], self.units))

    def _make_head(self, channels):
        given = {"high": self.max_value, "name": "head", "dtype": flow_dtype(self)}
        if self.categorical_units is None:
            return DiscretizedLogisticHead(channels, self.num_components, **given)
        return CategoricalLogisticHead(
            channels, self.num_components, hidden_units=self.categorical_units, **given
        )

    @property
    def num_values(self) -> int:
        return 2**self.num_bits

    @property
    def max_value(self) -> int:
        return self.num_values - 1

    @property
    def adapted(self) -> bool:
        return self.network.adapted

    def _adapt(self, x, condition):
        self.network.adapt(self._scaled(x), condition)
        self.head.adapt(x)

    def _log_prob(self, x, condition, seed):
        check_event_shape(self, x.shape, (None, None, self.event_shape[-1]))  # any size will do
        n, x = tf.shape(x)[0], at_least_one(x)
        features = self.network(self._scaled(x), condition=at_least_one(condition))
        return tf.reduce_sum(self._pixels(features).log_prob(x), [1, 2])[:n]

    def _scored(self, x, condition, training):
        if not (training and self.pixels_per_image) or self.target_log_prob is not None:
            return super()._scored(x, condition, training)
        x = only_values(self, tf.convert_to_tensor(x))
        return self._estimate(x, self.encode_condition(condition))

    def _estimate(self, x, condition):
        """`log_prob` by some of the pixels; its expectation is that of all of them."""
        n, height, width = tf.unstack(tf.shape(x)[:3])
        seed = stateless_seed(None, self.choice)
        pixels = random_pixels(n, height * width, self.pixels_per_image, seed)
        features = self.network(self._scaled(x), condition=condition, pixels=pixels)
        x = tf.gather(tf.reshape(x, [n, -1, x.shape[-1]]), pixels, batch_dims=1)[:, tf.newaxis]
        log_prob = tf.reduce_mean(self._pixels(features).log_prob(x), [1, 2])
        return log_prob * tf.cast(height * width, log_prob.dtype)

    def _pixels(self, features):
        """Their distributions."""
        return self.head.distribution(self.head(features))

    def sample(
        self,
        n: int,
        condition: TensorLike | None = None,
        temperature: TensorLike = 1.0,
        seed: TensorLike | None = None,
        prefix: TensorLike | None = None,
        size: Sequence[int] | None = None,
    ) -> tf.Tensor:
        """Draws `n` images, `[n, height, width, channels]`, integers as float32.

        Nothing is computed twice: see `RasterSampler`, and, for a local model, `WavefrontSampler`.
        It is done in float32, whatever the model is trained in. XLA does not compile it where there
        is more than one level.

        Args:
          n: how many.
          condition: one for all images, or `n` of them.
          temperature: factor on the scale of each logistic, and divisor of the logits of the
            mixtures; below 1: nearer the modes.
          seed: an int or a pair of int32; the same seed gives the same images. Temperature and
            seed may also be one for each image, as in `DensityModel.sample`.
          prefix: the upper rows of the images, integers, `[rows, width, channels]`, or `n` of them;
            the rest is drawn.
          size: height and width; None: those that the model was built for.

        >>> model = PixelCNNPlusPlus(units=8, num_levels=1, kernel_size=1, num_components=2)
        >>> model.build((None, 8, 8, 1))
        >>> upper_half = np.zeros([4, 8, 1])
        >>> model.sample(3, seed=0, prefix=upper_half).shape
        TensorShape([3, 8, 8, 1])
        """
        self.check_built()
        size = self.event_shape[:2] if size is None else _checked_size(size)
        known = None if prefix is None else self._known(prefix, n, size)
        given = {"known": known, "size": size}
        return self._checked_sample(
            "sample", self._sample, n, condition, temperature, seed, **given
        )

    def _known(self, prefix, n, size):
        """`[height, width, n, channels]`, -1 where an image is to be drawn."""
        if tf.get_static_value(prefix) is None or tf.get_static_value(n) is None:
            raise ValueError(
                "With `prefix`, it and `n` should be known when `sample` is called, not when a "
                f"graph is run. Received: n={n}, prefix={prefix}."
            )
        prefix, n = np.asarray(prefix, "float32"), int(tf.get_static_value(n))
        prefix = prefix[np.newaxis] if prefix.ndim == 3 else prefix
        channels = self.event_shape[-1]
        if (
            prefix.ndim != 4
            or prefix.shape[0] not in (1, n)
            or prefix.shape[1] > size[0]
            or prefix.shape[2:] != (size[1], channels)
        ):
            raise ValueError(
                f"`prefix` should be up to {size[0]} rows of {size[1]} pixels of {channels} "
                f"channels, of one image or of n={n}. Received: shape {prefix.shape}."
            )
        if (bad := prefix[~np.isin(prefix, np.arange(self.max_value + 1))]).size:
            raise ValueError(
                f"`prefix` should hold integers from 0 to {self.max_value}. Received: {bad[0]}."
            )
        known = np.full([n, *size, channels], -1, "float32")
        known[:, : prefix.shape[1]] = prefix
        return tf.constant(known.transpose(1, 2, 0, 3))

    def _sample(self, n, condition, temperature, seed, known=None, size=None):
        *own_size, channels = self.event_shape
        shape = [*(size or own_size), n, 1 + channels]
        noise = stateless_noise(tf.random.stateless_uniform, shape, seed, axis=2)
        temperature = tf.reshape(tf.cast(temperature, noise.dtype), [-1, 1])
        temperature = tf.broadcast_to(temperature, [*shape[:-1], 1])
        return self._draw(tf.concat([noise, temperature], -1), condition, known)

    def _draw(self, noise, condition, known=None):
        """Images from `[height, width, n, 1 + channels]`, noise and, last, the temperature."""
        channels, n = self.event_shape[-1], tf.shape(noise)[2]
        noise, known = at_least_one(noise, 2), at_least_one(known, 2)
        condition = at_least_one(condition)

        def draw(features, noise):
            parameters = tf.cast(self.head(features), "float32")
            pixels = self.head.distribution(parameters).tempered(noise[..., -1])
            return pixels.from_uniform(noise[..., :-1])

        def scaled(pixels):
            return tf.cast(self._scaled(pixels), "float32")

        sampler = self.sampler(self.network, draw, scaled)
        return sampler(noise, channels, condition, known)[:n]

    def served_once(self) -> list[tuple]:
        return [(self, "_draw")]

    def _scaled(self, x):
        """Pixels from -1 to 1."""
        return tf.cast(x, flow_dtype(self)) * (2 / self.max_value) - 1

    def get_config(self) -> dict:
        names = ["units", "num_blocks", "num_levels", "num_components", "kernel_size"]
        names += ["first_kernel_size", "dropout", "memory", "num_bits", "pixels_per_image", "seed"]
        names += ["categorical_units"]
        return super().get_config() | {name: getattr(self, name) for name in names}


def _check_pixels_per_image(pixels_per_image, kernel_size):
    if pixels_per_image is None:
        return
    if not _is_count(pixels_per_image):
        raise ValueError(
            "`pixels_per_image` should be None or an int, 1 or more. "
            f"Received: pixels_per_image={pixels_per_image!r}."
        )
    if kernel_size != 1:
        raise ValueError(
            "`pixels_per_image` is for local models (`kernel_size=1`): others compute the features "
            "of all pixels to have those of one. Received: "
            f"pixels_per_image={pixels_per_image}, kernel_size={kernel_size}."
        )


def _checked_size(size):
    pair = tuple(size) if np.ndim(size) == 1 else ()
    if len(pair) != 2 or not all(_is_count(x) for x in pair):
        raise ValueError(
            "`size` should be None or two ints, height and width, 1 or more. "
            f"Received: size={size!r}."
        )
    return tuple(int(x) for x in pair)


def _is_count(value):
    return isinstance(value, numbers.Integral) and value >= 1
