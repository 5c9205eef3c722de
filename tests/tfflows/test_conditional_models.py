"""A condition that tells where an example lies is made use of."""

import keras
import numpy as np
import pytest

import tfflows

MODELS = {
    "maf": lambda: tfflows.MAF(1, (16,), num_classes=3),
    "iaf": lambda: tfflows.IAF(1, (16,), num_classes=3),
    "real_nvp": lambda: tfflows.RealNVP(2, (16,), num_classes=3),
    "spline_autoregressive": lambda: tfflows.NeuralSplineFlow(
        1, 16, num_blocks=1, kind="autoregressive", num_classes=3
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_true_label_is_the_most_likely(name):
    labels = np.arange(600) % 3
    noise = np.random.RandomState(0).normal(size=(600, 2))
    x = (2.0 * (labels - 1)[:, np.newaxis] + 0.3 * noise).astype("float32")
    model = MODELS[name]()
    model.compile(keras.optimizers.Adam(2e-2), jit_compile=False)
    model.fit(x, labels, epochs=8, batch_size=100, verbose=0)
    log_prob = np.stack([model.log_prob(x, np.full(600, label)) for label in range(3)], 1)
    assert np.mean(log_prob.argmax(1) == labels) > 0.9
