"""TensorFlow Serving's record of a request, in bytes.

`tensorflow.serving.PredictionLog` is a protocol buffer of another package than TensorFlow's; the
few fields that a warm-up request has are written here by their numbers, around TensorFlow's own
`TensorProto`.
"""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

PREDICT_LOG, REQUEST = 6, 1  # PredictionLog.predict_log, PredictLog.request
MODEL_SPEC, INPUTS = 1, 2  # of PredictRequest
NAME, SIGNATURE_NAME = 1, 3  # of ModelSpec
KEY, VALUE = 1, 2  # of an entry of a map


def prediction_log(name: str, signature: str, inputs: Mapping[str, tf.Tensor]) -> bytes:
    """A serialized `PredictionLog` that holds a `PredictRequest`.

    Args:
      name: of the model.
      signature: the name of the signature.
      inputs: its tensors.
    """
    spec = _field(NAME, name.encode()) + _field(SIGNATURE_NAME, signature.encode())
    request = _field(MODEL_SPEC, spec)
    for key, value in inputs.items():
        proto = tf.make_tensor_proto(value).SerializeToString()
        request += _field(INPUTS, _field(KEY, key.encode()) + _field(VALUE, proto))
    return _field(PREDICT_LOG, _field(REQUEST, request))


def _field(number, content):
    """A field of bytes, strings or messages: its number and wire type 2, its length, itself."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value):
    """Seven bits a byte, the lowest first; the eighth says that there are more."""
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])
