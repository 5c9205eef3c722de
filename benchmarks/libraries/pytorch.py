"""What the PyTorch libraries share: the training step, scoring, sampling, and a plain MLP."""

import itertools
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.tasks import Task


class TorchFlow:
    """A contestant made of a module, its log-density and its sampler.

    ``variant="compile"`` compiles the log-density, and with it the training step. Samplers stay
    eager: unrolled over the features, they would take many minutes to compile.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        log_prob: Callable[[torch.Tensor], torch.Tensor],
        sample: Callable[[int], torch.Tensor],
        task: Task,
        data: np.ndarray,
        variant: str,
    ) -> None:
        self._log_prob = torch.compile(log_prob) if variant == "compile" else log_prob
        self._sample = sample
        self._batches = itertools.cycle(torch.from_numpy(data))
        # The fused kernel is PyTorch's fastest Adam on a CPU.
        self._adam = torch.optim.Adam(module.parameters(), task.learning_rate, fused=True)
        self.num_parameters = sum(p.numel() for p in module.parameters())

    def train_step(self) -> float:
        self._adam.zero_grad()
        loss = -self._log_prob(next(self._batches)).mean()
        loss.backward()
        self._adam.step()
        return loss.item()

    @torch.no_grad()
    def log_prob(self, x: np.ndarray) -> np.ndarray:
        return self._log_prob(torch.from_numpy(x)).numpy()

    @torch.no_grad()
    def sample(self, n: int) -> np.ndarray:
        return self._sample(n).numpy()


class MLP(torch.nn.Sequential):
    """A relu network as nflows and normflows call it: with a context, which is not used.

    Both scale a spline's logits down by the root of ``hidden_features``.
    """

    def __init__(self, inputs: int, outputs: int, units: tuple[int, ...]) -> None:
        sizes = (inputs, *units)
        layers = []
        for fan_in, fan_out in itertools.pairwise(sizes):
            layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
        super().__init__(*layers, torch.nn.Linear(sizes[-1], outputs))
        self.hidden_features = units[-1]

    def forward(self, inputs: torch.Tensor, context: torch.Tensor | None = None) -> torch.Tensor:
        return super().forward(inputs)
