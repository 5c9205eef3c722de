"""Trained flows of images, there and back."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo import registry
from zoo.recipe import parse

FLOWS = {"Glow", "MultiScaleRealNVP", "FlowPlusPlus"}
IMAGE_FLOWS = [
    name
    for name in zoo.names()
    if parse(registry.metadata(name)["recipe"]).model.class_name in FLOWS
]


@pytest.mark.parametrize("name", IMAGE_FLOWS)
def test_what_is_decoded_is_what_was_encoded(name):
    """Images such as the flow knows, its own, and black and white, with new noise."""
    model = zoo.load(name)
    labels = np.arange(8) if model.num_classes else None
    x = model.decode(model.base.sample(8, seed=tf.constant([0, 1])), labels)
    plain = tf.fill(x[:1].shape, 0.0), tf.fill(x[:1].shape, 255.0)
    x = tf.concat([*plain, x[2:]], 0)
    x, _ = model.dequantization(model.dequantization.discretize(x), seed=2)
    again = model.decode(model.encode(x, labels), labels)
    np.testing.assert_allclose(again / 256, x / 256, atol=1e-4)
    pixels = model.dequantization.discretize(x).numpy().astype("uint8")
    again = model.decode(model.encode(pixels, labels), labels)
    np.testing.assert_array_equal(model.dequantization.discretize(again), pixels)


def test_there_are_such_flows():
    assert len(IMAGE_FLOWS) >= 7
