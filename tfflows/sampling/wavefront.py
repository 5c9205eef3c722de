"""Sampling all pixels at once whose context is complete."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfflows.networks.pixel_cnn import PixelCNN, with_ones
from tfflows.sampling.loop import loop


class WavefrontSampler:
    """Draws images from a local `PixelCNN` in `width + (k + 1) (height - 1)` steps.

    A pixel sees k rows above it, and k columns to either side. So it can be drawn k + 1 columns
    behind the one above: in step t those at row r and column `t - (k + 1) r`, all rows together.
    It's exact, as `RasterSampler` is, and takes the same arguments.

    Args:
      network: a built `PixelCNN` that `is_local`.
      draw: `(features [n, units], noise [n, k]) -> pixels [n, c]`.
      scaled: from pixels to what the network takes.
    """

    def __init__(self, network: PixelCNN, draw: Callable, scaled: Callable):
        if not network.is_local:
            raise ValueError(
                "`network` should be local (`kernel_size=1`): others see too much of the row above "
                f"for a wavefront. Received: kernel_size={network.kernel_size}."
            )
        self.network = network
        self.draw = draw
        self.scaled = scaled

    def __call__(
        self,
        noise: tf.Tensor,
        channels: int,
        condition: tf.Tensor | None = None,
        known: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Images `[n, height, width, c]`; the arguments are those of `RasterSampler`."""
        (height, width), n = noise.shape[:2], tf.shape(noise)[2]
        front = _Front(height, width, self.network.first_left.kernel_size[1])
        features = self._features(condition, front.size)
        noise = tf.reshape(noise, [height * width, n, noise.shape[-1]])
        image = tf.zeros([front.padded_size, n, channels + 1])
        start = 0
        if known is not None:
            image, start = front.given(with_ones(self.scaled(known))), front.first_step(known)
            known = tf.reshape(known, [height * width, n, channels])

        def draw_front(t, image, drawn):
            here, pixels = front.at(t)
            h = features(tf.gather(image, here[:, tf.newaxis] + front.context))
            pixel = self.draw(h, tf.reshape(tf.gather(noise, pixels), [-1, noise.shape[-1]]))
            pixel = tf.reshape(pixel, [front.size, n, channels])
            if known is not None:
                given = tf.gather(known, pixels)
                pixel = tf.where(given < 0, pixel, given)
            value = with_ones(self.scaled(pixel))
            image = tf.tensor_scatter_nd_update(image, here[:, tf.newaxis], value)
            return t + 1, image, drawn.write(t, pixel)

        drawn = tf.TensorArray(tf.float32, front.steps, element_shape=[front.size, None, channels])
        *_, drawn = loop(front.steps, draw_front, image, drawn, start=start)
        images = tf.gather_nd(drawn.stack(), front.where_drawn())
        if known is not None:  # some rows may not have been walked through at all
            known = tf.reshape(known, tf.shape(images))
            images = tf.where(known < 0, images, known)
        return tf.transpose(images, [2, 0, 1, 3])

    def _features(self, condition, size):
        """From contexts `[size, taps, n, c]` to features `[size n, units]`."""
        network, kernels = self.network, self.network.kernels()
        kernels = {x: tf.reshape(kernel, [-1, x.units]) for x, kernel in kernels.items()}
        first = network.first_of_contexts()
        projections = network.projections(condition)
        if condition is not None:
            projections = {x: tf.tile(value, [size, 1]) for x, value in projections.items()}

        def run(layer, inputs, before):
            return layer.add_bias(before(inputs) @ kernels[layer])

        def step(block, h, skip):
            return block.forward(h, None, skip, projections[block], run, drops=False)

        def features(contexts):
            taps, channels = contexts.shape[1], contexts.shape[3]
            contexts = tf.reshape(tf.transpose(contexts, [0, 2, 1, 3]), [-1, taps * channels])
            return tf.nn.elu(network.down_right.walk(first(contexts), step, None))

        return features


class _Front:
    """Which pixels are drawn in which step, and where they lie in an image with zeros around."""

    def __init__(self, height, width, reach):
        self.height, self.width, self.reach = height, width, reach
        self.slope = reach + 1
        self.steps = width + self.slope * (height - 1)
        self.size = -(-width // self.slope)
        self.padded_width = width + 2 * reach
        self.padded_size = (height + reach) * self.padded_width + 1
        above = np.arange(-reach, 0)[:, np.newaxis] * self.padded_width
        above = above + np.arange(-reach, reach + 1)
        self.context = np.concatenate([above.ravel(), np.arange(-reach, 0)]).astype("int32")

    def at(self, t):
        """Of the pixels of step `t`: the positions with zeros around, and without.

        Those that are beyond the image have the last position, which no pixel sees.
        """
        k = tf.range(self.size)
        row, column = t // self.slope - k, t % self.slope + self.slope * k
        inside = (row >= 0) & (row < self.height) & (column < self.width)
        padded = (row + self.reach) * self.padded_width + column + self.reach
        return (
            tf.where(inside, padded, self.padded_size - 1),
            tf.where(inside, row * self.width + column, 0),
        )

    def given(self, images):
        """An image with zeros around, of `[height, width, n, c]`."""
        sides = [[self.reach, 0], [self.reach, self.reach], [0, 0], [0, 0]]
        rows = tf.reshape(tf.pad(images, sides), [self.padded_size - 1, -1, images.shape[-1]])
        return tf.pad(rows, [[0, 1], [0, 0], [0, 0]])

    def first_step(self, known):
        """The first one that draws a pixel below the known rows; the last one if there's none."""
        rows = tf.reduce_sum(tf.cast(tf.reduce_all(known >= 0, [1, 2, 3]), tf.int32))
        return tf.minimum(rows * self.slope, self.steps - 1)

    def where_drawn(self):
        """The step of each pixel, and its place in it: `[height, width, 2]`."""
        row, column = np.mgrid[: self.height, : self.width]
        place = np.stack([column + self.slope * row, column // self.slope], -1)
        return place.astype("int32")
