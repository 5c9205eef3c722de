"""normflows (PyTorch). Its flows map latents to data; ``Reverse`` makes scoring the fast way."""

import normflows as nf
import numpy as np
import torch
from normflows.flows.neural_spline.coupling import PiecewiseRationalQuadraticCoupling

from benchmarks.libraries.pytorch import MLP, TorchFlow
from benchmarks.tasks import Task, halves


def build(task: Task, data: np.ndarray, variant: str) -> TorchFlow:
    layer = {"maf": _maf, "realnvp": _affine_coupling, "spline": _spline_coupling}[task.name]
    layers = [part for i in range(task.layers) for part in layer(task, i)]
    flow = nf.NormalizingFlow(nf.distributions.DiagGaussian(task.features, trainable=False), layers)
    return TorchFlow(flow, flow.log_prob, lambda n: flow.sample(n)[0], task, data, variant)


def _maf(task: Task, i: int) -> list[nf.flows.Flow]:
    made = nf.flows.MaskedAffineAutoregressive(
        task.features,
        hidden_features=task.units[0],
        num_blocks=len(task.units) - 1,
        use_residual_blocks=False,
    )
    return [nf.flows.Reverse(made), nf.flows.Permute(task.features, mode="shuffle")]


def _affine_coupling(task: Task, i: int) -> list[nf.flows.Flow]:
    transformed = task.features // 2
    network = nf.nets.MLP([task.features - transformed, *task.units, 2 * transformed])
    return [
        nf.flows.AffineCouplingBlock(network, scale_map="sigmoid"),
        nf.flows.Permute(task.features, mode="swap"),
    ]


def _spline_coupling(task: Task, i: int) -> list[nf.flows.Flow]:
    coupling = PiecewiseRationalQuadraticCoupling(
        torch.from_numpy(halves(task.features, i)),
        lambda a, b: MLP(a, b, task.units),
        num_bins=task.bins,
        tails="linear",
        tail_bound=task.bound,
    )
    return [nf.flows.Reverse(coupling)]
