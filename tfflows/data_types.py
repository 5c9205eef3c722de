"""What data may be given as."""

from __future__ import annotations

import keras
import tensorflow as tf

TensorLike = tf.types.experimental.TensorLike
"""What `tf.convert_to_tensor` takes: a tensor, an array, a number, a list of these."""

Data = TensorLike | tf.data.Dataset | keras.utils.PyDataset
"""What a model is trained on: examples, or batches of them."""
