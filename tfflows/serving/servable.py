"""The object that a SavedModel is written of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from tfflows.serving.endpoints import Endpoints
from tfflows.serving.traced_once import traced_once
from tfflows.weight_paths import weight_paths

if TYPE_CHECKING:
    from tfflows.models.density_model import DensityModel


class Servable(tf.Module):
    """A model's weights and, as functions with named and typed arguments, its endpoints.

    Weights are kept under their paths (`weight_paths`), so that a checkpoint of it names them.
    Endpoints are not attributes: each would be stored again, and the graph, not the weights, is
    what makes a SavedModel of a deep flow big.

    Args:
      model: a built `DensityModel`.
    """

    def __init__(self, model: DensityModel):
        super().__init__()
        self.weights_ = _nest({path: w.value for path, w in weight_paths(model).items()})
        self.__dict__["model"] = model  # past tf.Module's tracking, which would store it

    def signatures(self) -> dict:
        """The concrete functions by name; `serving_default` is `log_prob`."""
        model = self.__dict__["model"]
        with traced_once(model.served_once()):
            return Endpoints(model).functions()


def _nest(flat):
    """A flat dict of paths as nested dicts, whose checkpoint keys are the paths."""
    tree = {}
    for path, value in flat.items():
        *folders, leaf = path.split("/")
        node = tree
        for folder in folders:
            node = node.setdefault(folder, {})
        if not isinstance(node, dict) or leaf in node:
            raise ValueError(f"Two weights have the same path: {path}. Name the layers apart.")
        node[leaf] = value
    return tree
