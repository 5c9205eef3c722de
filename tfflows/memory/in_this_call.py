"""The Keras call that is under way, for what runs when it is over."""

from __future__ import annotations

import functools
from collections.abc import Callable

import keras


class _Call(keras.layers.Layer):
    """Keras tells `training` to layers that are called, and to nothing else."""

    def call(self, function, training=None):
        return function(training)


def in_this_call(function: Callable) -> Callable:
    """The function, in which layers see the `training` flag that they would see now.

    The backward pass comes after the call of the model, when layers that are run again would take
    themselves to be used outside of training.

    >>> class Trains(keras.layers.Layer):
    ...     def call(self, x, training=None):
    ...         return in_this_call(lambda: keras.layers.Dropout(0.999, seed=1)(tf.ones([1])))
    >>> float(Trains()(tf.ones([1]), training=True)()[0])
    0.0
    """
    training = in_training()
    return lambda *arguments: _call(lambda _: function(*arguments), training=training)


def in_training() -> bool | None:
    """The `training` flag of the Keras call that is under way."""
    return _asked()(function=lambda training: training)


def _call(function, **flag):
    # A layer of its own: Keras takes a call to be over with that of the layer that began it.
    return _layer()(function=function, **flag)


@functools.cache
def _asked():
    """One for all questions, which call no others: it takes longer to make it than to ask."""
    return _layer()


def _layer():
    # In float32, or variables would be read in the precision that is the default.
    return _Call(autocast=False, dtype="float32", name="call")
