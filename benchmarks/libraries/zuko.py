"""zuko (PyTorch)."""

import numpy as np
import torch
import zuko
from zuko.flows import GeneralCouplingTransform
from zuko.transforms import MonotonicRQSTransform

from benchmarks.libraries.pytorch import TorchFlow
from benchmarks.tasks import Task, halves


def build(task: Task, data: np.ndarray, variant: str) -> TorchFlow:
    flow = _maf(task) if task.name == "maf" else _couplings(task)

    def log_prob(x: torch.Tensor) -> torch.Tensor:
        return flow().log_prob(x)

    return TorchFlow(flow, log_prob, lambda n: flow().sample((n,)), task, data, variant)


def _maf(task: Task) -> zuko.flows.Flow:
    return zuko.flows.MAF(task.features, transforms=task.layers, hidden_features=task.units)


def _couplings(task: Task) -> zuko.flows.Flow:
    # zuko has premade flows of both kinds, but its spline flow is autoregressive.
    spline = {
        "univariate": lambda *args: MonotonicRQSTransform(*args, bound=task.bound),
        "shapes": [(task.bins,), (task.bins,), (task.bins - 1,)],
    }
    layers = [
        GeneralCouplingTransform(
            task.features,
            # zuko's mask marks what stays.
            mask=torch.from_numpy(~halves(task.features, i)),
            hidden_features=task.units,
            **(spline if task.name == "spline" else {}),
        )
        for i in range(task.layers)
    ]
    base = zuko.flows.UnconditionalDistribution(
        zuko.distributions.DiagNormal,
        torch.zeros(task.features),
        torch.ones(task.features),
        buffer=True,
    )
    return zuko.flows.Flow(layers, base)
