"""nflows (PyTorch)."""

import numpy as np
from nflows import transforms
from nflows.distributions import StandardNormal
from nflows.flows import Flow

from benchmarks.libraries.pytorch import MLP, TorchFlow
from benchmarks.tasks import Task, halves


def build(task: Task, data: np.ndarray, variant: str) -> TorchFlow:
    layer = {"maf": _maf, "realnvp": _affine_coupling, "spline": _spline_coupling}[task.name]
    layers = [part for i in range(task.layers) for part in layer(task, i)]
    flow = Flow(transforms.CompositeTransform(layers), StandardNormal([task.features]))
    return TorchFlow(flow, flow.log_prob, flow.sample, task, data, variant)


def _maf(task: Task, i: int) -> list[transforms.Transform]:
    made = transforms.MaskedAffineAutoregressiveTransform(
        task.features,
        hidden_features=task.units[0],
        num_blocks=len(task.units) - 1,
        use_residual_blocks=False,
    )
    return [made, transforms.ReversePermutation(task.features)]


def _affine_coupling(task: Task, i: int) -> list[transforms.Transform]:
    mask = halves(task.features, i)
    return [transforms.AffineCouplingTransform(mask, lambda a, b: MLP(a, b, task.units))]


def _spline_coupling(task: Task, i: int) -> list[transforms.Transform]:
    coupling = transforms.PiecewiseRationalQuadraticCouplingTransform(
        halves(task.features, i),
        lambda a, b: MLP(a, b, task.units),
        num_bins=task.bins,
        tails="linear",
        tail_bound=task.bound,
    )
    return [coupling]
