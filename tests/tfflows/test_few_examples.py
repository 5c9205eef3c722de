"""What a model adapts to stands for all of the data."""

import numpy as np
import tensorflow as tf

import tfflows
from tfflows.layers import Standardize
from tfflows.models.few_examples import few_examples


def test_sorted_data_are_standardized():
    x = np.sort(np.random.RandomState(0).normal(50.0, 20.0, (20_000, 2)).astype("float32"), 0)
    model = tfflows.FlowModel(Standardize())
    model.adapt(x)
    z = model.encode(x)
    np.testing.assert_allclose(np.mean(z, 0), 0, atol=0.05)
    np.testing.assert_allclose(np.std(z, 0), 1, atol=0.05)


def test_examples_keep_their_conditions():
    x = np.arange(9)[:, np.newaxis]
    for condition in (2 * x, tf.constant(2 * x)):
        few, of_few = few_examples(x, condition, 5)
        np.testing.assert_array_equal(of_few, 2 * few)


def test_of_a_dataset_the_first_are_taken():
    x = np.arange(9)[:, np.newaxis]
    few, _ = few_examples(tf.data.Dataset.from_tensor_slices(x).batch(2), None, 5)
    np.testing.assert_array_equal(few, x[:5])
