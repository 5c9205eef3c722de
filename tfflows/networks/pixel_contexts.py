"""What a local autoregressive model sees of an image."""

from __future__ import annotations

import tensorflow as tf

from tfflows.data_types import TensorLike


def pixel_contexts(images: tf.Tensor, pixels: TensorLike, reach: int) -> tf.Tensor:
    """The pixels before each of some pixels: k rows above, of 2k + 1 columns, and k to the left.

    Args:
      images: `[batch, height, width, c]`; beyond them there are zeros.
      pixels: indices in raster order, `[batch, p]`.
      reach: k.

    Returns:
      `[batch, p, (2k + 2) k c]`, in raster order.

    >>> image = tf.reshape(tf.range(12), [1, 3, 4, 1])
    >>> pixel_contexts(image, [[0, 5]], reach=1).numpy().tolist()
    [[[0, 0, 0, 0], [0, 1, 2, 4]]]
    """
    columns, (_, _, width, channels) = 2 * reach + 1, images.shape
    padded = tf.pad(images, [[0, 0], [reach, 0], [reach, reach], [0, 0]])
    # With its columns side by side, a row of a context is one slice.
    rows = tf.concat([padded[:, :, i : i + width] for i in range(columns)], -1)
    n, _, p = *tf.unstack(tf.shape(rows)[:2]), tf.shape(pixels)[1]
    rows = tf.reshape(rows, [n, -1, columns * channels])
    of_pixel = tf.convert_to_tensor(pixels)[..., tf.newaxis] + width * tf.range(reach + 1)
    contexts = tf.reshape(
        tf.gather(rows, of_pixel, batch_dims=1), [n, p, (reach + 1) * columns * channels]
    )
    return contexts[..., : (columns + 1) * reach * channels]
