"""What a server answers: the model, bit by bit, and a refusal of what it cannot answer."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tests.tfflows.served_models import KINDS, ROWS
from tfflows.serving.checks import max_rows

each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def loaded(served):
    """`loaded(kind)`: the model, and functions of numpy arrays by signature."""
    kept = {}

    def get(kind):
        if kind not in kept:
            kept[kind] = served(kind).signatures()
        return served(kind), kept[kind][1]

    return get


def ask(signatures, name, inputs):
    answer = signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
    return {key: value.numpy() for key, value in answer.items()}


@each_kind
def test_every_signature_is_the_model_bit_by_bit(loaded, kind):
    served, signatures = loaded(kind)
    requests = served.requests
    assert set(requests) == set(signatures)
    for name, (inputs, expected) in requests.items():
        answer = ask(signatures, name, inputs)
        assert {k: v.dtype for k, v in answer.items()} == {k: v.dtype for k, v in expected.items()}
        for key, value in expected.items():
            np.testing.assert_array_equal(answer[key], value, err_msg=name)


@each_kind
def test_the_answer_for_a_row_is_that_of_the_row_alone(loaded, kind):
    served, signatures = loaded(kind)
    for name, (inputs, _) in served.requests.items():
        if name == "sample":
            continue
        whole = ask(signatures, name, inputs)
        for row in range(ROWS):
            alone = ask(signatures, name, {k: v[row : row + 1] for k, v in inputs.items()})
            for key, value in alone.items():
                np.testing.assert_allclose(
                    value[0].astype("float64"), whole[key][row], rtol=1e-4, atol=1e-4, err_msg=name
                )


@each_kind
def test_the_way_from_one_to_the_other_begins_and_ends_with_them(loaded, kind):
    served, signatures = loaded(kind)
    if "interpolate" not in signatures:
        assert kind == "pixel_cnn"
        return
    inputs, _ = served.requests["interpolate"]
    x = ask(signatures, "interpolate", inputs)["x"]
    np.testing.assert_allclose(x[:, 0].astype("float64"), inputs["start"], atol=1e-4)
    np.testing.assert_allclose(x[:, -1].astype("float64"), inputs["end"], atol=1e-4)


def test_one_condition_is_that_of_all_samples(loaded):
    served, signatures = loaded("conditions")
    inputs, _ = served.requests["sample"]
    x = ask(signatures, "sample", inputs | {"condition": np.ones([1, 2], "f")})["x"]
    np.testing.assert_array_equal(x, served.model.sample(ROWS, np.ones([ROWS, 2], "f"), 0.7, 7))


NAN = np.float32("nan")
REFUSED = [
    ("vectors", "sample", {"n": np.int32(10**9)}, "`n` should be from 1 to 65536"),
    ("vectors", "sample", {"n": np.int32(0)}, "`n` should be from 1"),
    ("vectors", "sample", {"n": np.int32(-5)}, "`n` should be from 1"),
    ("images", "sample", {"n": np.int32(max_rows((4, 4, 3)) + 1)}, "`n` should be from 1"),
    ("vectors", "sample", {"temperature": np.float32(-0.1)}, "`temperature` should be a number"),
    ("vectors", "sample", {"temperature": NAN}, "`temperature` should be a number"),
    ("vectors", "sample", {"temperature": np.float32("inf")}, "`temperature` should be a number"),
    ("vectors", "sample_rows", {"temperature": np.float32([1, 1, -1])}, "`temperature` should"),
    ("vectors", "sample_rows", {"temperature": np.float32([1])}, "same number of rows"),
    ("vectors", "log_prob", {"x": np.float32([[0, 1, NAN]])}, "`x` should be finite"),
    ("vectors", "log_prob", {"x": np.zeros([2, 4], "float32")}, "shape|incompatible"),
    ("vectors", "encode", {"x": np.float32([[0, 1, np.inf]])}, "`x` should be finite"),
    ("vectors", "decode", {"z": np.float32([[0, 1, NAN]])}, "`z` should be finite"),
    ("vectors", "interpolate", {"position": np.float32([[0, 2]] * ROWS)}, "`position` should be"),
    ("vectors", "interpolate", {"position": np.zeros([1, 2], "float32")}, "same number of rows"),
    ("vectors", "interpolate", {"position": np.zeros([ROWS, 30000], "f")}, "number of examples"),
    ("images", "log_prob", {"x": np.full([1, 4, 4, 3], 8, "uint8")}, "`x` should be from 0"),
    ("pixel_cnn", "log_prob", {"condition": np.int32([0, 1, 3])}, "whole numbers from 0 to 2"),
    ("pixel_cnn", "log_prob", {"condition": np.int32([1])}, "same number of rows"),
    ("pixel_cnn", "sample", {"condition": np.int32([0, 1])}, "`condition` should be one condition"),
    ("conditions", "log_prob", {"condition": np.full([ROWS, 2], NAN)}, "`condition` should be fin"),
    ("pixel_cnn", "sample_rows", {"temperature": np.float32([1, -1, 1])}, "`temperature` should"),
]


@pytest.mark.parametrize("kind, name, change, message", REFUSED)
def test_refusals(loaded, kind, name, change, message):
    served, signatures = loaded(kind)
    inputs, _ = served.requests[name]
    with pytest.raises(Exception, match=message):
        ask(signatures, name, inputs | change)
    ask(signatures, name, inputs)


@each_kind
def test_a_graph_of_tensorflows_own_operations_that_stores_each_part_once(served, kind):
    graph = SavedModel.FromString((served(kind).path / "saved_model.pb").read_bytes())
    library = graph.meta_graphs[0].graph_def.library.function
    ops = {node.op for function in library for node in function.node_def}
    assert not {op for op in ops if "Py" in op}
    names = [function.signature.name for function in library]
    once = ["_draw"] if kind == "pixel_cnn" else ["forward_and_log_det", "inverse_and_log_det"]
    for part in once:
        assert sum(name.startswith(f"__inference_{part}_") for name in names) == 1


def test_rows_with_seeds_of_their_own_in_keras(served):
    model, seeds = served("images").model, [[0, 1], [0, 2], [9, 3]]
    whole = model.sample(3, temperature=[1.0, 0.5, 0.7], seed=seeds)
    alone = model.sample(1, temperature=[0.5], seed=seeds[1:2])
    np.testing.assert_array_equal(whole[1], alone[0])
    scores = model.log_prob(whole, seed=seeds, num_importance_samples=2)
    alone = model.log_prob(whole[2:], seed=seeds[2:], num_importance_samples=2)
    np.testing.assert_allclose(scores[2], alone[0], rtol=1e-5)
    for n, temperature, seed in ((2, 1.0, seeds), (3, [1.0] * 3, 0), (3, [1.0] * 2, seeds)):
        with pytest.raises(ValueError, match="should be one, or n="):
            model.sample(n, temperature=temperature, seed=seed)
