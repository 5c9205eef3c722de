"""Sampling pixel after pixel, with nothing computed twice."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfflows.networks.pixel_cnn import PixelCNN, with_ones
from tfflows.sampling.level import Level
from tfflows.sampling.loop import loop


class RasterSampler:
    """Draws images from a `PixelCNN`, rows from the top, pixels from the left.

    The stream that goes down is computed row by row, and so is all that the rows above give to the
    other one. What is left for a pixel are products with what is to its left. Each convolution
    keeps what it needs of its inputs. It's exact: what comes is what a pass of the whole network
    for each pixel would give, but for rounding. All of it is in float32.

    Args:
      network: a built `PixelCNN`.
      draw: `(features [n, units], noise [n, k]) -> pixels [n, c]`.
      scaled: from pixels to what the network takes.

    Images of zeros and ones:

    >>> network = PixelCNN(8, num_levels=1)
    >>> network.build((None, 4, 6, 1))
    >>> sampler = RasterSampler(
    ...     network,
    ...     draw=lambda features, noise: tf.cast(noise < tf.sigmoid(features[:, :1]), tf.float32),
    ...     scaled=lambda pixels: 2.0 * pixels - 1.0,
    ... )
    >>> draw_images = tf.function(sampler)  # it is made for graphs
    >>> draw_images(tf.random.stateless_uniform([4, 6, 3, 1], [0, 1]), channels=1).shape
    TensorShape([3, 4, 6, 1])
    """

    def __init__(self, network: PixelCNN, draw: Callable, scaled: Callable):
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
        """Images `[n, height, width, c]`.

        Args:
          noise: `[height, width, n, k]`.
          channels: c.
          condition: None, or `[n, ...]`.
          known: None, or `[height, width, n, c]`: pixels that are taken where they are not
            negative.
        """
        network, (height, width) = self.network, noise.shape[:2]
        n = tf.shape(noise)[2]
        kernels = network.kernels()  # here, outside of the loops
        streams = network.down, network.down_right
        level = Level(*streams, kernels, network.projections(condition), width, n)
        firsts = [f for f in (network.first_above, network.first_down) if f is not None]
        first_left = network.first_left

        def draw_row(r, images, previous, above, state):
            above, features = list(above), [None, None]
            for i, layer in enumerate(firsts):
                features[i], above[i] = layer.step_row(above[i], previous, kernels[layer])
            term = first_left.add_bias(features[0])
            _, state, terms = level.start_row(r, features[1], term, state)

            def draw_pixel(c, row, left, pixel_state):
                def feed(term):
                    return first_left.step_pixel(left, term, kernels[first_left])

                h, pixel_state = level.step_pixel(r, c, feed, terms, pixel_state)
                pixel = self.draw(tf.nn.elu(h), noise[r, c])
                if known is not None:
                    pixel = tf.where(known[r, c] < 0, pixel, known[r, c])
                left = [*left, with_ones(self.scaled(pixel))][1:]
                return c + 1, row.write(c, pixel), left, pixel_state

            row = tf.TensorArray(tf.float32, width, element_shape=[None, channels])
            left = [tf.zeros([n, channels + 1])] * first_left.kernel_size[1]
            state_of_pixels = level.pixel_state(state)
            _, row, _, state_of_pixels = loop(width, draw_pixel, row, left, state_of_pixels)
            row = row.stack()
            previous = tf.transpose(with_ones(self.scaled(row)), [1, 0, 2])
            state = level.end_row(r, state, state_of_pixels)
            return r + 1, images.write(r, row), previous, above, state

        images = tf.TensorArray(tf.float32, height, element_shape=[width, None, channels])
        previous = tf.zeros([n, width, channels + 1])
        above = [tf.zeros([n, f.kernel_size[0] - 1, width, channels + 1]) for f in firsts]
        _, images, *_ = loop(height, draw_row, images, previous, above, level.row_state())
        return tf.transpose(images.stack(), [2, 0, 1, 3])
