"""Training of the peer's model by a recipe of the zoo: the same batches, steps and optimizer."""

import copy
import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from nflows.flows import Flow
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from zoo.data import DataSet, batches, steps_per_epoch
from zoo.recipe import Recipe, TrainingRecipe

Log = Callable[[str], None]
Batch = tuple[torch.Tensor, torch.Tensor | None]


def train(flow: Flow, recipe: Recipe, seed: int, log: Log) -> dict[str, float]:
    """Trains in place, and leaves the weights that are best in validation.

    Args:
        flow: the peer's model.
        recipe: of our entry; of it everything is used but the seed.
        seed: of the order of the batches and their noise.
        log: gets a line of progress every so often.

    Returns:
        val_nll, best_epoch and seconds.
    """
    data, training = recipe.data.load(), recipe.training
    passes, steps = training.epochs_per_validation, steps_per_epoch(data, training.batch_size)
    rows = tensors(batches(data, "train", training.batch_size, seed), data)
    step = _stepper(flow, training, total=training.epochs * steps)
    average = _average(flow, training) if training.use_ema else None
    scored = average.module if average else flow
    best_nll, best_epoch, best = math.inf, 0, None
    started = reported = time.monotonic()
    for epoch in range(passes, training.epochs + 1, passes):
        flow.train()
        for _ in range(passes * steps):
            step(*next(rows))
            if average:
                average.update_parameters(flow)
        val_nll = -np.mean(log_prob(scored, data, "validation", recipe, seed))
        if val_nll < best_nll:
            best_nll, best_epoch = float(val_nll), epoch
            best = copy.deepcopy(scored.state_dict())
        if training.patience and (epoch - best_epoch) // passes >= training.patience:
            break
        if time.monotonic() - reported > 15 or epoch == training.epochs:
            reported = time.monotonic()
            spent = f"{reported - started:.0f} s"
            log(f"epoch {epoch}/{training.epochs}: val_nll {val_nll:.3f}, {spent}")
    flow.load_state_dict(best)
    seconds = time.monotonic() - started
    return {"val_nll": best_nll, "best_epoch": best_epoch, "seconds": round(seconds, 1)}


@torch.no_grad()
def log_prob(flow: Flow, data: DataSet, split: str, recipe: Recipe, seed: int) -> np.ndarray:
    """Log-density of each row of a split, with the noise of `seed`."""
    flow.eval()
    rows = tensors(batches(data, split, recipe.evaluation.batch_size, seed, shuffle=False), data)
    return np.concatenate([flow.log_prob(x, context).numpy() for x, context in rows])


def tensors(dataset, data: DataSet) -> Iterator[Batch]:
    """Batches of a `tf.data` set as tensors: x, and labels one-hot or None."""
    for batch in dataset.as_numpy_iterator():
        x, label = batch if data.num_classes else (batch, None)
        context = None if label is None else np.eye(data.num_classes, dtype="float32")[label]
        # Copied: TensorFlow's memory is read-only, which PyTorch doesn't know.
        yield torch.tensor(x), None if context is None else torch.from_numpy(context)


def _average(flow: Flow, training: TrainingRecipe) -> AveragedModel:
    """Weights averaged over the steps, as Keras does it: the first step's are the first average."""
    return AveragedModel(flow, multi_avg_fn=get_ema_multi_avg_fn(training.ema_momentum))


def _stepper(flow: Flow, training: TrainingRecipe, total: int) -> Callable[..., None]:
    """One step of Adam as Keras takes it: its epsilon, decoupled decay, schedule, clipping."""
    optimizer = torch.optim.AdamW(
        flow.parameters(),
        training.rates[0],
        eps=1e-7,
        weight_decay=training.weight_decay or 0.0,
        fused=True,
    )

    def rate(step: int) -> float:
        if training.schedule == "constant":
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * step / total))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)

    def step(x: torch.Tensor, context: torch.Tensor | None) -> None:
        optimizer.zero_grad()
        loss = -flow.log_prob(x, context).mean()
        if not torch.isfinite(loss):
            raise FloatingPointError("the peer's loss is not finite")
        loss.backward()
        if training.global_clipnorm:
            torch.nn.utils.clip_grad_norm_(flow.parameters(), training.global_clipnorm)
        optimizer.step()
        schedule.step()

    return step
