"""Keras's Normalization, with a log-determinant."""

from __future__ import annotations

import keras

from tfflows.layers.channelwise import Channelwise


@keras.saving.register_keras_serializable("tfflows")
class Standardize(Channelwise):
    """`z = (x - mean) / std` for each channel, from `adapt` and never trained.

    What `keras.layers.Normalization` does, as a bijector: the densities of a model that starts
    with it are in the raw units of the data. The `adapt` of a model, and so `fit`, gives it a part
    of the data, of vectors 4096; this layer's own takes all that it is given.

    Args:
      **kwargs: those of `keras.layers.Layer`.

    >>> layer = Standardize()
    >>> layer.build((None, 1))
    >>> layer.adapt(np.array([[10.0], [30.0]], "float32"))
    >>> z, log_det = layer(np.array([[20.0]], "float32"))
    >>> float(z[0, 0]), round(float(log_det[0]), 4)  # -log(10)
    (0.0, -2.3026)
    """

    trainable_affine = False
