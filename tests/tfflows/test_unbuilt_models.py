"""What needs weights says so where there are none yet."""

import numpy as np
import pytest

import tfflows

X = np.zeros([4, 3], "float32")
ACTS = {
    "log_prob": lambda model, path: model.log_prob(X),
    "evaluate": lambda model, path: model.evaluate(X, verbose=0),
    "predict": lambda model, path: model.predict(X, verbose=0),
    "sample": lambda model, path: model.sample(2),
    "encode": lambda model, path: model.encode(X),
    "decode": lambda model, path: model.decode(X),
    "distribution": lambda model, path: model.distribution(),
    "export": lambda model, path: model.export(path / "1"),
}


@pytest.mark.parametrize("act", ACTS)
def test_an_unbuilt_model_says_so(act, tmp_path):
    with pytest.raises(ValueError, match="is not built: it does not know the shape of the data"):
        ACTS[act](tfflows.MAF(1, (8,)), tmp_path)
