"""The precision of training is the recipe's wish and the machine's possibility."""

import copy

import pytest

import zoo.precision
import zoo.processor
from tests.zoo.conftest import TINY
from zoo.precision import training_dtype
from zoo.recipe import parse


def recipe(dtype):
    content = copy.deepcopy(TINY)
    if dtype:
        content["model"]["arguments"]["dtype"] = dtype
    return parse(content)


@pytest.mark.parametrize(
    ("dtype", "asked", "fast", "expected"),
    [
        (None, None, True, "float32"),
        ("mixed_bfloat16", None, True, "mixed_bfloat16"),
        ("mixed_bfloat16", None, False, "float32"),
        ("mixed_bfloat16", True, False, "mixed_bfloat16"),
        ("mixed_bfloat16", False, True, "float32"),
        (None, True, False, "mixed_bfloat16"),
        ("float64", None, True, "float64"),
    ],
)
def test_training_dtype(dtype, asked, fast, expected, monkeypatch):
    monkeypatch.setattr(zoo.precision, "has_bfloat16", lambda: fast)
    assert training_dtype(recipe(dtype), asked) == expected


def test_float64_is_not_mixed():
    with pytest.raises(ValueError, match="float32 or mixed_bfloat16. Received: float64"):
        training_dtype(recipe("float64"), True)


@pytest.mark.parametrize(
    ("flags", "fast"), [("flags : fpu avx2", False), ("flags : fpu avx512_bf16", True)]
)
def test_has_bfloat16_reads_what_the_processor_says(flags, fast, monkeypatch):
    monkeypatch.setattr(zoo.processor.pathlib.Path, "read_text", lambda self: f"cpu : 0\n{flags}\n")
    assert zoo.precision.has_bfloat16() == fast
