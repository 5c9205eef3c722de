"""Batches in parts: the training and the figures of whole ones."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.tfflows.model_table import ROWS
from tfflows.layers import Coupling

EXACT = ["real_nvp_labels", "maf_vectors"]
BY_NAME = {row.name: row for row in ROWS}


def trained(row, batch_parts, rows=13, **options):
    """After one pass over the rows in batches of five, the last of them of three."""
    keras.utils.set_random_seed(2)
    model, (x, condition) = row.make(), row.data(rows)
    model.compile(keras.optimizers.Adam(1e-2), batch_parts=batch_parts, **options)
    weight = np.linspace(0.5, 2.0, rows)
    losses = model.fit(x, condition, batch_size=5, sample_weight=weight, shuffle=False, verbose=0)
    return model, losses.history["nll"]


@pytest.mark.parametrize("name", EXACT)
def test_training_is_that_of_whole_batches(name):
    row = BY_NAME[name]
    (whole, losses), (split, losses_split) = trained(row, 1), trained(row, 2)
    np.testing.assert_allclose(losses_split, losses, rtol=1e-5)
    for ours, theirs in zip(split.get_weights(), whole.get_weights()):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    x, condition = row.data(7)
    expected = whole.log_prob(x, condition)
    scores = split.predict(x, condition, batch_size=3, verbose=0)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)
    nll = split.evaluate(x, condition, batch_size=3, verbose=0, return_dict=True)["nll"]
    np.testing.assert_allclose(nll, -np.mean(expected), rtol=1e-4)


def test_more_parts_than_examples():
    model, x = tfflows.RealNVP(2, (8,)), np.random.RandomState(0).normal(size=(2, 3))
    model.build((None, 3))
    model.compile(batch_parts=5)
    with tf.GradientTape(persistent=True) as tape:
        whole, split = model.log_prob(x), model(tf.constant(x, tf.float32), training=True)
    np.testing.assert_allclose(split, whole, rtol=1e-5)
    weights = model.trainable_variables
    for ours, theirs in zip(tape.gradient(split, weights), tape.gradient(whole, weights)):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_some_pixels_of_each_image():
    row = BY_NAME["local_pixel_cnn_some_pixels"]
    model, (x, _) = row.make(), row.data(5)
    model.adapt(x)
    model.compile(batch_parts=2)
    estimates = np.mean([model(x, training=True) for _ in range(40)], 0)
    np.testing.assert_allclose(estimates, model.log_prob(x), rtol=0.1)


def test_samples_are_those_without_parts():
    model, c = tfflows.MAF(2, (8,)), np.random.RandomState(0).normal(size=(7, 2))
    model.build((None, 3), (None, 2))
    whole = model.sample(7, condition=c, seed=1)
    model.compile(batch_parts=3)
    np.testing.assert_allclose(model.sample(7, condition=c, seed=1), whole, atol=1e-5)
    np.testing.assert_allclose(model.decode(model.encode(whole, c), c), whole, atol=1e-4)


def test_with_xla():
    model, x = tfflows.RealNVP(2, (8,)), np.random.RandomState(0).normal(size=(7, 3))
    model.build((None, 3))
    model.compile(batch_parts=2, jit_compile=True)
    scores = model.predict(x, batch_size=3, verbose=0)
    np.testing.assert_allclose(scores, model.log_prob(x), rtol=1e-5)


def test_each_part_has_noise_of_its_own():
    model = tfflows.Glow(num_levels=1, num_steps=1, units=4, num_bits=3, seed=1)
    model.build((None, 2, 2, 1))
    model.compile(batch_parts=2)
    same = np.full([2, 2, 2, 1], 3.0, "float32")
    first, second = model(same).numpy()
    assert first != second
    bound = model.evaluate(np.repeat(same, 32, 0), verbose=0, return_dict=True)["nll"]
    tight = model.evaluate(
        np.repeat(same, 32, 0), num_importance_samples=64, verbose=0, return_dict=True
    )["nll"]
    assert tight < bound


def test_the_objective_of_reverse_kl():
    def target(x):
        return -0.5 * tf.reduce_sum((x - 1.0) ** 2, -1)

    model = tfflows.RealNVP(2, (8,))
    model.build((None, 2))
    model.compile(keras.optimizers.Adam(2e-2), target_log_prob=target, batch_parts=3)
    history = model.fit(steps_per_epoch=60, batch_size=32, epochs=2, verbose=0).history["loss"]
    assert history[1] < history[0]


def test_the_graph_has_a_product_for_each_part():
    model = tfflows.RealNVP(2, (8,))
    model.build((None, 2))

    def products(batch_parts):
        model.compile(batch_parts=batch_parts)
        graph = tf.function(lambda x: model(x)).get_concrete_function(tf.zeros([6, 2])).graph
        return sum(operation.type == "MatMul" for operation in graph.get_operations())

    assert products(3) == 3 * products(1) > 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: tfflows.RealNVP(2, (8,), normalization="batch"),
        lambda: tfflows.FlowModel(Coupling("half", keras.layers.BatchNormalization(name="norm"))),
    ],
    ids=["of_ours", "of_keras"],
)
def test_statistics_of_batches_are_refused(make):
    model, x = make(), np.random.RandomState(0).normal(size=(8, 2)).astype("float32")
    model.compile(batch_parts=2)
    with pytest.raises(ValueError, match="batch_parts=2.*BatchNormalization"):
        model.fit(x, verbose=0)
    assert np.isfinite(model.predict(x, verbose=0)).all()


def test_losses_that_layers_add_are_refused():
    network = keras.layers.Dense(8, activity_regularizer="l2", kernel_regularizer="l2")
    model, x = tfflows.FlowModel(Coupling("half", network)), np.ones([4, 2], "float32")
    model.compile(batch_parts=2)
    for act in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="batch_parts=2.*with Layer 'dense"):
            act(x, verbose=0)
    network.activity_regularizer = None
    model.compile(batch_parts=2)
    model.fit(x, verbose=0)


def test_conditions_of_another_number_are_counted_whole():
    model = tfflows.RealNVP(2, (8,))
    model.build((None, 3), (None, 2))
    model.compile(batch_parts=2)
    with pytest.raises(ValueError, match="4 examples and 5 conditions"):
        model((np.zeros([4, 3], "float32"), np.zeros([5, 2], "float32")))


def test_a_number_is_the_condition_of_one_example():
    model, x = BY_NAME["maf_labels"].make(), np.zeros([1, 4], "float32")
    model.build((None, 4))
    model.compile(batch_parts=2)
    np.testing.assert_allclose(model((x, np.array(1))), model.log_prob(x, 1), rtol=1e-5)


@pytest.mark.parametrize("batch_parts", [0, 1.5, "all"])
def test_numbers_that_are_none(batch_parts):
    with pytest.raises(ValueError, match="`batch_parts` should be .*Received: batch_parts="):
        tfflows.RealNVP(2, (8,)).compile(batch_parts=batch_parts)


def test_it_is_saved_with_what_else_was_compiled(tmp_path):
    model, _ = trained(BY_NAME["real_nvp"], 2)
    model.save(tmp_path / "model.keras")
    assert keras.models.load_model(tmp_path / "model.keras").batch_parts == 2
