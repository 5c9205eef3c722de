"""TensorFlow's C API alone serves every signature, bit by bit as Keras does."""

import io
import os
import pathlib
import shutil
import subprocess

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tests.tfflows.served_models import KINDS

SOURCE = pathlib.Path(__file__).with_name("saved_model_client.c")


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    compiler = next(filter(shutil.which, ("cc", "gcc", "clang")), None)
    if compiler is None:
        pytest.skip("NOT TESTED: no C compiler on the PATH, so no C program serves a model")
    program, library = tmp_path_factory.mktemp("c") / "client", tf.sysconfig.get_lib()
    libraries = ["-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"]
    subprocess.run(
        [
            compiler, "-std=c99", "-Wall", "-Wextra", "-Werror", SOURCE, "-o", program,
            "-isystem", tf.sysconfig.get_include(),
            "-L", library, f"-Wl,-rpath,{library}", *libraries,
        ],
        check=True,
    )  # fmt: skip
    return program


def written(signature, inputs):
    """A request, as the client reads it."""
    lines = [f"{len(inputs)} {len(signature.outputs)}\n".encode()]
    for name, value in inputs.items():
        value = np.asarray(value)
        dtype = tf.as_dtype(value.dtype).as_datatype_enum
        sizes = [dtype, value.ndim, *value.shape]
        lines.append(f"{_place(signature.inputs[name])} {' '.join(map(str, sizes))}\n".encode())
        lines.append(value.tobytes())
    lines += [f"{_place(signature.outputs[name])}\n".encode() for name in sorted(signature.outputs)]
    return b"".join(lines)


def _place(info):
    return info.name.replace(":", " ")


def read(signature, answers):
    """The next of the client's answers: tensors by name, or the message of a refusal."""
    word, *length = answers.readline().split()
    if word == b"refused":
        return answers.read(int(length[0])).decode()
    found = {}
    for name in sorted(signature.outputs):
        dtype, _, *shape = map(int, answers.readline().split())
        dtype = np.dtype(tf.as_dtype(dtype).as_numpy_dtype)
        content = answers.read(int(np.prod(shape)) * dtype.itemsize)
        found[name] = np.frombuffer(content, dtype).reshape(shape)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_signature_bit_by_bit(client, served, kind):
    model = served(kind)
    graph = SavedModel.FromString((model.path / "saved_model.pb").read_bytes())
    signatures = dict(graph.meta_graphs[0].signature_def)
    signatures.pop("__saved_model_init_op")
    assert set(signatures) == set(model.requests)
    sample, (inputs, _) = signatures["sample"], model.requests["sample"]
    too_many = written(sample, inputs | {"n": np.int32(10**9)})
    questions = [written(signatures[name], inputs) for name, (inputs, _) in model.requests.items()]
    done = subprocess.run(
        [client, model.path],
        input=b"".join([too_many, *questions, *questions]),
        stdout=subprocess.PIPE,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        check=True,
    )
    answers = io.BytesIO(done.stdout)
    assert "`n` should be from 1" in read(sample, answers)
    for _ in range(2):
        for name, (_, expected) in model.requests.items():
            found = read(signatures[name], answers)
            assert found.keys() == expected.keys(), name
            for key, value in expected.items():
                assert found[key].dtype == value.dtype
                np.testing.assert_array_equal(found[key], value, err_msg=name)
    assert not answers.read()
