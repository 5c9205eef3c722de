"""The local server: TensorFlow Serving's REST API, and what it refuses without a scratch."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import tfflows
from zoo.serve import _find

MAX_BODY = 100_000
ABSENT = "NOT TESTED: {} is not installed; it comes with the extra `serve`"


@pytest.fixture(scope="module")
def model():
    model = tfflows.RealNVP(2, (8,))
    model.build((None, 3))
    return model


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "flow" / "7"
    model.export(path)
    return path


@pytest.fixture(scope="module")
def port(path):
    """Of a server in a thread."""
    uvicorn, _ = (
        pytest.importorskip(name, reason=ABSENT.format(name)) for name in ("uvicorn", "starlette")
    )
    from zoo.serving import ServedModel, make_app

    app = make_app(ServedModel("flow", path), MAX_BODY, seconds=2)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def request(port, method, url, body=None):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as client:
        client.request(method, url, body)
        answer = client.getresponse()
        return answer.status, json.loads(answer.read())


def predict(port, content, model="flow"):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return request(port, "POST", f"/v1/models/{model}:predict", body)


def good(port):
    status, answer = predict(port, {"instances": [[0.0, 1.0, 2.0]]})
    assert status == 200 and len(answer["predictions"]) == 1


def test_rows_and_columns(port, model):
    x = np.random.RandomState(0).normal(size=(4, 3)).astype("float32")
    expected = model.log_prob(x)
    for content in (
        {"instances": x.tolist()},
        {"instances": [{"x": row} for row in x.tolist()], "signature_name": "log_prob"},
        {"inputs": x.tolist()},
        {"inputs": {"x": x.tolist()}, "signature_name": "log_prob"},
    ):
        status, answer = predict(port, content)
        assert status == 200
        (values,) = answer.values()
        assert list(answer) == ["predictions" if "instances" in content else "outputs"]
        np.testing.assert_allclose(np.float32(values), expected, rtol=1e-6)


def test_samples(port, model):
    inputs = {"n": 5, "seed": [0, 3], "temperature": 0.5}
    status, answer = predict(port, {"signature_name": "sample", "inputs": inputs})
    expected = model.sample(5, temperature=0.5, seed=3)
    np.testing.assert_allclose(answer["outputs"], expected, rtol=1e-5, atol=1e-6)
    rows = [{"seed": [0, i], "temperature": 1} for i in range(3)]
    status, answer = predict(port, {"signature_name": "sample_rows", "instances": rows})
    expected = model.sample(3, seed=[[0, 0], [0, 1], [0, 2]])
    np.testing.assert_allclose(answer["predictions"], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("version", ["", "/versions/7"])
def test_status_metadata_and_versions(port, version):
    url = f"/v1/models/flow{version}"
    status, answer = request(port, "GET", url)
    assert status == 200
    (found,) = answer["model_version_status"]
    assert found["version"] == "7" and found["state"] == "AVAILABLE"
    status, answer = request(port, "GET", f"{url}/metadata")
    definition = answer["metadata"]["signature_def"]["signature_def"]["log_prob"]
    assert definition["inputs"]["x"]["dtype"] == "DT_FLOAT"
    assert [d["size"] for d in definition["inputs"]["x"]["tensor_shape"]["dim"]] == ["-1", "3"]
    assert request(port, "POST", f"{url}:predict", b'{"inputs": [[0, 0, 0]]}')[0] == 200


def sample(**change):
    inputs = {"n": 1, "seed": [0, 0], "temperature": 1.0} | change
    return {"signature_name": "sample", "inputs": inputs}


BAD = {
    "wrong shape": ({"instances": [[1, 2]]}, 400, "expected shape [batch, 3]. Received: [1, 2]"),
    "wrong rank": ({"inputs": [1, 2, 3]}, 400, "expected shape [batch, 3]"),
    "no rows": ({"instances": []}, 400, "one row or more"),
    "ragged": ({"instances": [[1, 2, 3], [1]]}, 400, "not all of the same size"),
    "strings": ({"instances": [["a", "b", "c"]]}, 400, "expected type: float"),
    "null": ({"instances": [[None, 1, 2]]}, 400, "expected type: float"),
    "NaN": (b'{"instances": [[NaN, 0, 0]]}', 400, "`x` should be finite"),
    "overflow": ({"instances": [[1e300, 0, 0]]}, 400, "`x` should be finite"),
    "a billion samples": (sample(n=10**9), 400, "`n` should be from 1 to 65536"),
    "a quintillion": (sample(n=10**18), 400, "key: n: values should be from"),
    "half a sample": (sample(n=0.5), 400, "expected type: int32"),
    "cold": (sample(temperature=-1), 400, "`temperature` should be a number, 0 or more"),
    "one seed too few": (sample(seed=[1]), 400, "expected shape [2]"),
    "n by rows": (
        {"signature_name": "sample", "instances": [sample()["inputs"]]}, 400, "expected shape ["
    ),
    "signature": (
        {"signature_name": "no", "inputs": 1}, 400,
        'Serving signature name: "no" not found in signature def',
    ),
    "signature of no name": ({"signature_name": [1], "inputs": 1}, 400, "must be a string"),
    "input": (
        {"inputs": {"y": 1}}, 400,
        "input size does not match signature: 1!=1. Sent extra: {y}. Missing but required: {x}.",
    ),
    "no inputs": ({}, 400, "Missing 'inputs' or 'instances' key"),
    "a list": ([1], 400, "should be an object"),
    "broken JSON": (b'{"instances": [[', 400, "JSON Parse error"),
    "no JSON": (b"\xff\xfe\x00", 400, "JSON Parse error"),
    "deep JSON": (b"[" * 50_000, 400, "JSON Parse error"),
    "nothing": (b"", 400, "JSON Parse error"),
    "too long": (b" " * (MAX_BODY + 1), 413, f"should be at most {MAX_BODY} bytes"),
    "100 MB": (b" " * 10**8, 413, f"should be at most {MAX_BODY} bytes"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_bad_requests(port, what):
    content, status, message = BAD[what]
    try:
        found, answer = predict(port, content)
    except ConnectionError:
        assert what == "100 MB"  # cut off while it was sent
    else:
        assert found == status and message in answer["error"]
    good(port)


@pytest.mark.parametrize(
    "method, url, status, message",
    [
        ("POST", "/v1/models/other:predict", 404, "Servable not found for request: Latest(other)"),
        ("GET", "/v1/models/flow/versions/6", 404, "request: Specific(flow, 6)"),
        ("GET", "/v1/models/flow:predict", 405, "Malformed request: GET /v1/models/flow:predict"),
        ("POST", "/v1/models/flow:classify", 405, "Malformed request"),
        ("GET", "/", 404, "Malformed request: GET /"),
    ],
)
def test_bad_addresses(port, method, url, status, message):
    found, answer = request(port, method, url, b"{}" if method == "POST" else None)
    assert found == status and message in answer["error"]


def test_a_body_that_does_not_come(port):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        head = b"POST /v1/models/flow:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{"
        client.sendall(head)
        assert b" 408 " in client.recv(1000).splitlines()[0]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(head)
    good(port)


def test_many_clients_at_once_one_of_which_asks_nonsense(port, model):
    x = np.random.RandomState(0).normal(size=(40, 3)).astype("float32")
    x[13] = np.nan
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda row: predict(port, {"instances": [row.tolist()]}), x))
    for i, (status, answer) in enumerate(found):
        assert status == (400 if i == 13 else 200), answer
    scores = [answer["predictions"][0] for i, (_, answer) in enumerate(found) if i != 13]
    np.testing.assert_allclose(scores, model.log_prob(np.delete(x, 13, 0)), rtol=1e-5, atol=1e-5)


def test_the_command_serves_and_stops_when_all_is_answered(path, model):
    pytest.importorskip("uvicorn", reason=ABSENT.format("uvicorn"))
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", "serve", str(path), "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    try:
        line = next(line for line in process.stderr if ":predict" in line)
        assert line.startswith("http://127.0.0.1:") and "production" in line
        port = int(line.split(":")[2].split("/")[0])
        long = sample(n=60000)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(predict, port, long)
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            status, answer = asked.result()
        assert status == 200 and len(answer["outputs"]) == 60000
        assert process.wait(60) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.stderr.close()


def test_a_link_has_a_name_and_a_version_of_its_own(path, tmp_path, monkeypatch):
    (tmp_path / "flow").mkdir()
    (tmp_path / "flow" / "3").symlink_to(path)
    monkeypatch.chdir(tmp_path)
    assert _find("flow") == ("flow", tmp_path / "flow" / "3")
    monkeypatch.chdir(tmp_path / "flow")
    assert _find(".")[0] == "flow"
