"""nflows has no Glow, but all that it is made of."""

import math

import numpy as np
import torch
from nflows import transforms
from nflows.distributions import StandardNormal
from nflows.flows import Flow

from benchmarks.libraries.glow.pytorch_images import ConvNet, TorchImageFlow
from benchmarks.tasks import Task


def build(task: Task, data: np.ndarray, variant: str) -> TorchImageFlow:
    height, width, channels = task.image
    scales = transforms.MultiscaleCompositeTransform(task.levels)
    for i in range(task.levels):
        channels, height, width = 4 * channels, height // 2, width // 2
        layers = [transforms.SqueezeTransform()]
        for _ in range(task.layers):
            layers += [transforms.ActNorm(channels), transforms.OneByOneConvolution(channels)]
            layers += [_coupling(torch.arange(channels) >= channels // 2, task.units)]
        if i < task.levels - 1:
            # The prior of what leaves here: the first half, in nflows.
            layers += [_coupling(torch.arange(channels) < channels // 2, ())]
        level = transforms.CompositeTransform(layers)
        channels, height, width = scales.add_transform(level, (channels, height, width)) or (0,) * 3
    flow = Flow(scales, StandardNormal([math.prod(task.image)]))
    return TorchImageFlow(flow, flow.log_prob, flow.sample, task, data, variant)


def _coupling(mask: torch.Tensor, units: tuple[int, ...]) -> transforms.Transform:
    return transforms.AffineCouplingTransform(mask, lambda a, b: ConvNet(a, b, units))
