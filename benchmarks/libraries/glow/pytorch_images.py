"""What the PyTorch libraries share on images: channels first, autocast, the convolutions."""

from collections.abc import Callable

import numpy as np
import torch

from benchmarks.libraries.pytorch import TorchFlow
from benchmarks.tasks import Task


class TorchImageFlow(TorchFlow):
    """A contestant whose module wants ``[batch, channels, height, width]``."""

    def __init__(
        self,
        module: torch.nn.Module,
        log_prob: Callable[[torch.Tensor], torch.Tensor],
        sample: Callable[[int], torch.Tensor],
        task: Task,
        data: np.ndarray,
        variant: str,
    ) -> None:
        def autocast() -> torch.autocast:
            return torch.autocast("cpu", torch.bfloat16, enabled=task.dtype == "bfloat16")

        log_prob, sample = autocast()(log_prob), autocast()(sample)
        super().__init__(module, log_prob, sample, task, channels_first(data), variant)

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        return super().log_prob(channels_first(x))

    def sample(self, n: int) -> np.ndarray:
        return np.moveaxis(super().sample(n), -3, -1)


def channels_first(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(x, -1, -3))


class ConvNet(torch.nn.Sequential):
    """3x3, 1x1, 3x3, relus between, the last zero; without ``units``, the last alone."""

    def __init__(self, inputs: int, outputs: int, units: tuple[int, ...]) -> None:
        layers = []
        for filters, size in zip(units, (3, 1), strict=False):
            layers += [torch.nn.Conv2d(inputs, filters, size, padding="same"), torch.nn.ReLU()]
            inputs = filters
        last = torch.nn.Conv2d(inputs, outputs, 3, padding="same")
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.zeros_(last.bias)
        super().__init__(*layers, last)

    def forward(self, inputs: torch.Tensor, context: torch.Tensor | None = None) -> torch.Tensor:
        return super().forward(inputs)
