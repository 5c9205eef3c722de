"""A request of TensorFlow Serving's predict API, from JSON to tensors and back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.serving.refusal import Refusal
from zoo.serving.served_model import ServedModel


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked: the inputs of a signature, and whether they came row by row."""

    signature: str
    inputs: dict[str, np.ndarray]
    by_rows: bool

    @classmethod
    def parse(cls, body: bytes, model: ServedModel) -> Request:
        """From JSON, in either of its forms.

        "instances" is a list of rows, each an object of the inputs or, where there is one, its
        value; "inputs" is an object of whole tensors, or the tensor.

        Raises:
            Refusal: it is no such request, or not one of the model.
        """
        content = _json(body)
        signature = content.get("signature_name") or "serving_default"
        if not isinstance(signature, str):
            raise Refusal("'signature_name' key must be a string value.")
        specs = model.specs(signature)
        by_rows = "instances" in content
        if by_rows == ("inputs" in content):
            which = "Both" if by_rows else "Missing"
            raise Refusal(f"{which} 'inputs' or 'instances' key")
        values = _rows(content["instances"], specs) if by_rows else _named(content["inputs"], specs)
        inputs = {name: _tensor(name, value, specs[name]) for name, value in values.items()}
        return cls(signature, inputs, by_rows)

    def answer(self, outputs: Mapping[str, np.ndarray]) -> bytes:
        """The response: a single output goes without its name."""
        named = {name: value.tolist() for name, value in outputs.items()}
        (only,) = named.values() if len(named) == 1 else [None]
        if not self.by_rows:
            content = {"outputs": named if only is None else only}
        elif only is not None:
            content = {"predictions": only}
        else:
            rows = zip(*named.values())
            content = {"predictions": [dict(zip(named, row)) for row in rows]}
        return json.dumps(content).encode()


def _json(body):
    try:
        content = json.loads(body)
    except json.JSONDecodeError as error:
        raise Refusal(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
    except (ValueError, RecursionError) as error:
        raise Refusal(f"JSON Parse error: {error}") from error
    if not isinstance(content, dict):
        raise Refusal("JSON Parse error: the body should be an object")
    return content


def _rows(instances, specs):
    if not isinstance(instances, list) or not instances:
        raise Refusal("'instances' should be a list of one row or more")
    rows = [_named(row, specs) for row in instances]
    return {name: [row[name] for row in rows] for name in specs}


def _named(value, specs):
    if not isinstance(value, dict):
        if len(specs) > 1:
            names = ",".join(specs)
            raise Refusal(f"The inputs should be an object, of the keys {{{names}}}")
        return dict.fromkeys(specs, value)
    if value.keys() != specs.keys():
        extra, missing = (",".join(sorted(a - b)) for a, b in _pairs(value.keys(), specs.keys()))
        raise Refusal(
            f"input size does not match signature: {len(value)}!={len(specs)}. "
            f"Sent extra: {{{extra}}}. Missing but required: {{{missing}}}."
        )
    return value


def _pairs(a, b):
    return (a, b), (b, a)


def _tensor(name, value: Any, spec) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise Refusal(f"key: {name}: the lists are not all of the same size") from error
    dtype = np.dtype(spec.dtype.as_numpy_dtype)
    if array.size and array.dtype.kind not in ("iuf" if dtype.kind == "f" else "iu"):
        raise Refusal(f"key: {name}: not all values are of the expected type: {spec.dtype.name}")
    if dtype.kind != "f" and array.size:
        bounds = np.iinfo(dtype)
        if array.min() < bounds.min or array.max() > bounds.max:
            raise Refusal(f"key: {name}: values should be from {bounds.min} to {bounds.max}")
    if not spec.shape.is_compatible_with(array.shape) or 0 in array.shape:
        expected = ["batch" if not i and n is None else n for i, n in enumerate(spec.shape)]
        raise Refusal(
            f"key: {name}: expected shape [{', '.join(map(str, expected))}]. "
            f"Received: {list(array.shape)}"
        )
    with np.errstate(over="ignore"):  # infinity is for the graph to refuse
        return array.astype(dtype)
