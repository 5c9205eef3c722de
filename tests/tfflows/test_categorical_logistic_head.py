"""The layer that gives the parameters of a categorical beside logistics."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows.distributions import CategoricalLogisticHead, DiscretizedLogisticHead


def test_begins_as_its_logistics_with_a_little_of_the_rest():
    head = CategoricalLogisticHead(3, 2, high=9, hidden_units=5, name="head")
    features = np.random.RandomState(0).normal(size=(6, 4)).astype("float32")
    mixture = head.distribution(head(features))
    logistics = DiscretizedLogisticHead(3, 2, high=9, name="head")
    logistics.build((None, 4))
    logistics.set_weights(head.dense.get_weights())
    y = np.random.RandomState(1).randint(0, 10, [6, 3])
    expected = logistics.distribution(logistics(features)).log_prob(y)
    np.testing.assert_allclose(mixture.logistics.log_prob(y), expected, rtol=1e-5)
    np.testing.assert_allclose(tf.sigmoid(mixture.share_logit), 0.05, atol=0.01)
    np.testing.assert_allclose(mixture.level_logits, 0.0, atol=0.5)


def test_adapts_to_the_marginal():
    random = np.random.RandomState(0)
    y = random.choice([0, 3, 9], p=[0.7, 0.2, 0.1], size=[3000, 1])
    head = CategoricalLogisticHead(
        num_components=np.int64(2), high=9, hidden_units=np.int64(3), dtype="mixed_bfloat16"
    )
    head.build((None, 4))
    head.adapt(y)
    mixture = head.distribution(head(np.zeros([1, 4])))
    frequencies = (np.bincount(y[:, 0], minlength=10) + 1) / (len(y) + 10)
    np.testing.assert_allclose(tf.nn.softmax(mixture.level_logits)[0, 0], frequencies, rtol=1e-4)


def test_learns_which_integers_there_are_and_is_saved(tmp_path):
    """Odd ones up to what the feature says: no few logistics give that."""
    random = np.random.RandomState(0)
    x = random.randint(0, 2, [4000, 1]).astype("float32")
    y = (1 + 2 * random.randint(0, 10 * (1 + x), [4000, 1])).astype("float32")
    true = np.mean(np.log(10 * (1 + x)))
    losses = []
    for cls in (DiscretizedLogisticHead, CategoricalLogisticHead):
        keras.utils.set_random_seed(0)
        head = cls(num_components=3, high=40, name="head")
        model = keras.Sequential([keras.layers.Dense(16, "tanh"), head])

        def nll(y, outputs, head=head):
            return -head.distribution(outputs).log_prob(y)

        model.compile(keras.optimizers.Adam(1e-2), nll)
        losses.append(model.fit(x, y, epochs=15, batch_size=100, verbose=0).history["loss"][-1])
    assert losses[1] < true + 0.05 < losses[0] - 0.3
    model.save(tmp_path / "model.keras")
    other = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_array_equal(other(x), model(x))
    assert other.layers[-1].get_config() == head.get_config()


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`hidden_units` should be at least 1"):
        CategoricalLogisticHead(hidden_units=0)
    head = CategoricalLogisticHead(2, 3, high=9)
    with pytest.raises(ValueError, match=r"`parameters` should be \[..., 39\]"):
        head.distribution(np.zeros([4, 15], "float32"))
