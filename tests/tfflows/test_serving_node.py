"""A Node client, where there is one: docs/serving.md says how it is built."""

import json
import os
import pathlib
import shutil
import subprocess

import numpy as np
import pytest

CLIENT = pathlib.Path(__file__).with_name("saved_model_client.js")


@pytest.fixture
def ask():
    """`ask(path, requests)`: the answers of the client."""
    modules = os.environ.get("TFJS_NODE_MODULES")
    if not modules or not shutil.which("node"):
        pytest.skip(
            "NOT TESTED: TFJS_NODE_MODULES names no node_modules with @tensorflow/tfjs-node"
        )

    def ask(path, requests):
        done = subprocess.run(
            ["node", CLIENT, path],
            input=json.dumps(requests),
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"NODE_PATH": modules, "TF_CPP_MIN_LOG_LEVEL": "3"},
            check=True,
        )
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    return ask


def test_a_node_client(ask, served):
    model = served("vectors")
    requests = [
        {"signature": name, "inputs": {key: _json(value) for key, value in inputs.items()}}
        for name, (inputs, _) in model.requests.items()
    ]
    bad = {"signature": "log_prob", "inputs": {"x": _json(np.full([1, 3], np.nan))}}
    *answers, refusal = ask(model.path, [*requests, bad])
    assert "`x` should be finite" in refusal["error"]
    for answer, (_, expected) in zip(answers, model.requests.values(), strict=True):
        assert answer.keys() == expected.keys()
        for key, value in expected.items():
            found = np.float32(answer[key]["values"]).reshape(answer[key]["shape"])
            np.testing.assert_array_equal(found, value)


def _json(value):
    value = np.asarray(value)
    dtype = "int32" if value.dtype.kind == "i" else "float32"
    values = ["NaN" if np.isnan(v) else v.item() for v in value.ravel()]  # JSON has no NaN
    return {"shape": list(value.shape), "dtype": dtype, "values": values}
