"""Models take datasets that are written in Python."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows

RANDOM = np.random.RandomState(0)
X = RANDOM.normal(50, 9, size=[60, 3]).astype("float32")
C = RANDOM.normal(size=[60, 2]).astype("float32")
WEIGHT = RANDOM.uniform(0.5, 1.5, 60).astype("float32")
CASES = {"x": [X], "pairs": [X, C], "weights": [X, None, WEIGHT], "all": [X, C, WEIGHT]}


class Batches(keras.utils.PyDataset):
    def __init__(self, parts, size=16, **kwargs):
        super().__init__(**kwargs)
        self.parts, self.size, self.epochs = parts, size, []

    def __len__(self):
        return -(-len(X) // self.size)

    def __getitem__(self, index):
        rows = slice(index * self.size, (index + 1) * self.size)
        batch = tuple(None if part is None else part[rows] for part in self.parts)
        return batch if len(batch) > 1 else batch[0]

    def on_epoch_begin(self):
        self.epochs.append("begin")

    def on_epoch_end(self):
        self.epochs.append("end")


def fitted(data, **options):
    keras.utils.set_random_seed(0)
    model = tfflows.MAF(num_layers=1, units=(8,), normalization="act")
    model.compile(keras.optimizers.Adam(1e-2))
    return model, model.fit(data, epochs=2, verbose=0, **options).history


@pytest.mark.parametrize("name", CASES)
def test_they_are_what_a_dataset_of_tensorflow_is(name):
    parts, data = CASES[name], Batches(CASES[name])
    batches = [data[i] for i in range(len(data))]
    model, history = fitted(data, shuffle=False, validation_data=data)
    condition = None if len(parts) == 1 or parts[1] is None else parts[1]
    weight = parts[2] if len(parts) > 2 else None
    tensors = [X, *[p for p in (condition, weight) if p is not None]]

    def batch(*parts):
        if len(parts) == 1:
            return parts[0]
        return (parts[0], None, parts[1]) if condition is None else parts

    same = tf.data.Dataset.from_tensor_slices(tuple(tensors)).batch(16).map(batch)
    other, expected = fitted(same, validation_data=same)
    assert len(batches) == 4 and history.keys() == expected.keys()
    for key in history:
        np.testing.assert_allclose(history[key], expected[key], rtol=1e-5)
    nll = model.evaluate(data, verbose=0, return_dict=True)["nll"]
    log_prob = model.log_prob(X, condition)
    np.testing.assert_allclose(nll, -np.average(log_prob, weights=weight), rtol=1e-5)
    np.testing.assert_allclose(model.predict(data, verbose=0), log_prob, rtol=1e-5)


def test_workers_read_and_epochs_are_told_of():
    data = Batches([X, C], workers=2)
    _, history = fitted(data)
    assert np.isfinite(history["nll"]).all()
    assert data.epochs[-4:] == ["begin", "end"] * 2


def test_conditions_come_in_them():
    with pytest.raises(ValueError, match="conditions and weights come in it"):
        fitted(Batches([X]), y=C)
