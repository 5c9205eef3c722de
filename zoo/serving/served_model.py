"""A SavedModel that is loaded to answer requests."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tfflows.check_path import check_path
from tfflows.serving.warm_up import example_inputs
from zoo.serving.refusal import Refusal


class ServedModel:
    """The signatures of a SavedModel, as functions of numpy arrays.

    Args:
        name: of the model.
        path: of the SavedModel; the name of the directory is its version.
    """

    def __init__(self, name: str, path: pathlib.Path) -> None:
        self.name, self.version = name, int(path.name)
        self._path = path
        check_path(path)
        self._loaded = tf.saved_model.load(str(path))  # owns the variables of the signatures
        self._signatures = dict(self._loaded.signatures)

    def warm_up(self) -> None:
        """Calls each signature once: the first call is slow."""
        for function in self._signatures.values():
            function(**example_inputs(function))

    def specs(self, signature: str) -> Mapping[str, tf.TensorSpec]:
        """The inputs of a signature, by name.

        Raises:
            Refusal: there is no such signature.
        """
        if signature not in self._signatures:
            raise Refusal(f'Serving signature name: "{signature}" not found in signature def')
        return self._signatures[signature].structured_input_signature[1]

    def is_row_wise(self, signature: str) -> bool:
        """Whether each row of the inputs has its own answer, so that requests can be joined."""
        shapes = [spec.shape for spec in self.specs(signature).values()]
        return all(shape.rank and shape[0] is None for shape in shapes)

    def run(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of a signature, by name.

        Raises:
            Refusal: the graph has refused the inputs.
        """
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        try:
            outputs = self._signatures[signature](**tensors)
        except (tf.errors.InvalidArgumentError, ValueError) as error:
            raise Refusal(_reason(error)) from error
        return {name: value.numpy() for name, value in outputs.items()}

    def status(self) -> dict[str, Any]:
        """That it is available, in TensorFlow Serving's form."""
        status = {"error_code": "OK", "error_message": ""}
        version = {"version": str(self.version), "state": "AVAILABLE", "status": status}
        return {"model_version_status": [version]}

    def metadata(self) -> dict[str, Any]:
        """The signatures, in TensorFlow Serving's form."""
        file = SavedModel.FromString((self._path / "saved_model.pb").read_bytes())
        found = file.meta_graphs[0].signature_def
        definitions = {
            name: json_format.MessageToDict(
                found[name],
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            for name in self._signatures
        }
        spec = {"name": self.name, "signature_name": "", "version": str(self.version)}
        return {
            "model_spec": spec,
            "metadata": {"signature_def": {"signature_def": definitions}},
        }


def _reason(error):
    """What a graph has to say, less where in it that is."""
    lines = [line.strip() for line in getattr(error, "message", str(error)).splitlines()]
    told = [line for line in lines if line and not line.startswith(("Graph exec", "Detected at"))]
    return next((line for line in told if "should" in line), told[0] if told else "")
