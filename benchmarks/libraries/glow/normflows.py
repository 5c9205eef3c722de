"""normflows' Glow, with the learned prior of the others."""

import normflows as nf
import numpy as np

from benchmarks.libraries.glow.pytorch_images import TorchImageFlow
from benchmarks.tasks import Task


def build(task: Task, data: np.ndarray, variant: str) -> TorchImageFlow:
    height, width, channels = task.image
    bases, flows = [], []
    # From latents to data: the coarsest level first.
    for i in reversed(range(task.levels)):
        size = channels * 2 ** (i + 2)
        leaving = size if i == task.levels - 1 else size // 2
        shape = (leaving, height // 2 ** (i + 1), width // 2 ** (i + 1))
        bases.append(nf.distributions.DiagGaussian(shape, trainable=False))
        prior = [] if leaving == size else [_prior(leaving)]
        steps = [nf.flows.GlowBlock(size, task.units[0]) for _ in range(task.layers)]
        flows.append([*prior, *steps, nf.flows.Squeeze()])
    merges = [nf.flows.Merge() for _ in flows[1:]]
    flow = nf.MultiscaleFlow(bases, flows, merges, class_cond=False)
    return TorchImageFlow(
        flow, lambda x: flow.log_prob(x, None), lambda n: flow.sample(n)[0], task, data, variant
    )


def _prior(channels: int) -> nf.flows.Flow:
    network = nf.nets.ConvNet2d((channels, 2 * channels), (3,))
    return nf.flows.AffineCouplingBlock(network, scale_map="sigmoid")
