"""What TensorFlow and TensorFlow Serving have to look at a SavedModel with: tools and messages."""

import json
import pathlib
import re
import runpy
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format

from tests.processes import printed
from tests.tfflows.served_models import KINDS
from tfflows.serving.prediction_log import prediction_log
from tfflows.serving.warm_up import WARM_UP
from zoo import registry

LOUDLY = "NOT TESTED: {} is not installed; it comes with the extra `test`"


def messages(name):
    return pytest.importorskip(
        f"tensorflow_serving.{name}", reason=LOUDLY.format("tensorflow-serving-api")
    )


def saved_model_cli(*arguments):
    return printed(_saved_model_cli, arguments)


def _saved_model_cli(arguments):
    sys.argv = ["saved_model_cli", *arguments]
    runpy.run_module("tensorflow.python.tools.saved_model_cli", run_name="__main__")


def execute(signatures, request):
    """What a server does with a PredictRequest."""
    inputs = {key: tf.constant(tf.make_ndarray(proto)) for key, proto in request.inputs.items()}
    return signatures[request.model_spec.signature_name](**inputs)


def test_saved_model_cli(served, tmp_path):
    model = served("images")
    shown = saved_model_cli("show", "--dir", str(model.path), "--all")
    for name, (inputs, outputs) in model.requests.items():
        part = shown.split(f"signature_def['{name}']:")[1].split("signature_def[")[0]
        assert all(f"inputs['{key}']" in part for key in inputs)
        assert all(f"outputs['{key}']" in part for key in outputs)
    inputs, expected = model.requests["log_prob"]
    np.savez(tmp_path / "inputs.npz", **inputs)
    saved_model_cli(
        "run", "--dir", str(model.path), "--tag_set", "serve", "--signature_def", "log_prob",
        "--inputs", f"x={tmp_path / 'inputs.npz'}[x]", "--outdir", str(tmp_path),
    )  # fmt: skip
    np.testing.assert_array_equal(np.load(tmp_path / "log_prob.npy"), expected["log_prob"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_warm_up_has_a_request_for_every_signature(served, kind):
    logs = messages("apis.prediction_log_pb2")
    model = served(kind)
    records = tf.data.TFRecordDataset(str(model.path / WARM_UP)).as_numpy_iterator()
    requests = [logs.PredictionLog.FromString(record).predict_log.request for record in records]
    names = [request.model_spec.signature_name for request in requests]
    assert sorted(names) == sorted(model.requests)
    assert {r.model_spec.name for r in requests} == {kind}
    loaded, signatures = model.signatures()
    for request in requests:
        for value in execute(signatures, request).values():
            assert value.shape[0] == 1 and np.isfinite(np.asarray(value, float)).all()


def test_what_is_written_by_hand_is_what_the_messages_say():
    logs = messages("apis.prediction_log_pb2")
    inputs = {"x": tf.zeros([3, 200]), "n": tf.constant(7)}
    expected = logs.PredictionLog()
    request = expected.predict_log.request
    request.model_spec.name, request.model_spec.signature_name = "flow", "sample"
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    written = prediction_log("flow", "sample", inputs)
    assert logs.PredictionLog.FromString(written) == expected
    assert len(written) == expected.ByteSize()


def test_requests_and_responses_of_the_api(served):
    predict = messages("apis.predict_pb2")
    model = served("pixel_cnn")
    loaded, signatures = model.signatures()
    for name, (inputs, expected) in model.requests.items():
        request = predict.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = "pixel_cnn", name
        for key, value in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        received = predict.PredictRequest.FromString(request.SerializeToString())
        response = predict.PredictResponse()
        for key, value in execute(signatures, received).items():
            response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
        answer = predict.PredictResponse.FromString(response.SerializeToString())
        for key, value in expected.items():
            np.testing.assert_array_equal(tf.make_ndarray(answer.outputs[key]), value)


def test_the_configuration_in_the_docs():
    config = messages("config.model_server_config_pb2")
    page = (pathlib.Path(__file__).parents[2] / "docs" / "serving.md").read_text()
    (text,) = re.findall(r"^```proto models.config\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    parsed = text_format.Parse(text, config.ModelServerConfig())
    names = [model.name for model in parsed.model_config_list.config]
    assert names and set(names) <= set(registry.names())


def test_tensorflow_model_server(served, tmp_path):
    program = shutil.which("tensorflow_model_server")
    if program is None:
        pytest.skip("NOT TESTED: tensorflow_model_server is not on the PATH")
    model = served("vectors")
    ports = [_free_port(), _free_port()]
    process = subprocess.Popen(
        [
            program, f"--port={ports[0]}", f"--rest_api_port={ports[1]}",
            "--model_name=vectors", f"--model_base_path={model.path.parent}",
        ],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{ports[1]}/v1/models/vectors"
        _wait(url, process)
        for name, (inputs, expected) in model.requests.items():
            inputs = {key: value.tolist() for key, value in inputs.items()}
            body = json.dumps({"signature_name": name, "inputs": inputs}).encode()
            with urllib.request.urlopen(f"{url}:predict", body) as answer:
                outputs = json.load(answer)["outputs"]
            (value,) = expected.values()
            np.testing.assert_allclose(outputs, value, rtol=1e-5, atol=1e-5)
    finally:
        process.terminate()
        process.wait(30)


def _wait(url, process, seconds=60):
    for _ in range(seconds):
        assert process.poll() is None, "the server ended"
        try:
            return urllib.request.urlopen(url)
        except OSError:
            time.sleep(1)
    raise TimeoutError(url)


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
