"""Graphs that several endpoints have in common."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import tensorflow as tf


@contextlib.contextmanager
def traced_once(methods: Iterable[tuple[object, str]]) -> Iterator[None]:
    """While it lasts, methods of objects are functions of a graph: traced once, then called.

    A SavedModel then holds what `log_prob` and `encode` do, or `sample` and `decode`, once. They
    are put in line again where it is run, so it costs no time there.

    Args:
      methods: pairs of an object and the name of its method.
    """
    methods = list(methods)
    for owner, name in methods:
        # Past Keras's __setattr__, which would track it.
        vars(owner)[name] = tf.function(getattr(owner, name), autograph=False)
    try:
        yield
    finally:
        for owner, name in methods:
            del vars(owner)[name]
