"""Requests that a server answers to itself before others ask."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

from tfflows.serving.prediction_log import prediction_log

WARM_UP = "assets.extra/tf_serving_warmup_requests"


def write_warm_up(directory: Path, name: str, signatures: Mapping) -> None:
    """Writes one request for each signature to where TensorFlow Serving looks for them.

    Without them the first request of each kind waits until the graph has been optimized.

    Args:
      directory: the SavedModel.
      name: of the model.
      signatures: concrete functions by name.
    """
    file = directory / WARM_UP
    file.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for signature, function in signatures.items():
            writer.write(prediction_log(name, signature, example_inputs(function)))


def example_inputs(function: tf.types.experimental.ConcreteFunction) -> dict[str, tf.Tensor]:
    """The smallest inputs that a signature takes: one row, of zeros but for `n`, temperature."""
    _, specs = function.structured_input_signature
    return {name: _example(name, spec) for name, spec in specs.items()}


def _example(name, spec):
    shape = [size or 1 for size in spec.shape]
    return (tf.ones if name in ("n", "temperature") else tf.zeros)(shape, spec.dtype)
