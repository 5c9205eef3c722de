"""Glow's activation normalization."""

from __future__ import annotations

import keras

from tfflows.layers.channelwise import Channelwise


@keras.saving.register_keras_serializable("tfflows")
class ActNorm(Channelwise):
    """`z = (x - loc) exp(-log_scale)` for each channel, trained (Kingma and Dhariwal 2018, 3.1).

    `adapt` sets `loc` and `log_scale` so that a batch has mean 0 and standard deviation 1 in every
    channel. The layer works before that too, as the identity; that it has been adapted is a
    weight, saved with the others, so that a loaded model never starts over.

    Args:
      **kwargs: those of `keras.layers.Layer`.

    >>> layer = ActNorm()
    >>> layer.build((None, 1))
    >>> layer.adapt(np.array([[1.0], [3.0]], "float32"))
    >>> layer(np.array([[1.0], [3.0]]))[0].numpy().ravel().tolist()
    [-1.0, 1.0]
    """

    trainable_affine = True
