"""The optimizer of a recipe."""

from __future__ import annotations

import keras

from tfflows import KernelMuon
from zoo.cosine_cycles import CosineCycles
from zoo.precision import has_bfloat16
from zoo.recipe import TrainingRecipe


def _muon(*args, **options) -> KernelMuon:
    return KernelMuon(*args, product_dtype="bfloat16" if has_bfloat16() else "float32", **options)


OPTIMIZERS = {"adam": keras.optimizers.Adam, "adamax": keras.optimizers.Adamax, "muon": _muon}


def make_optimizer(training: TrainingRecipe, steps: int) -> keras.optimizers.Optimizer:
    """The optimizer for a training of `steps` steps in all."""
    return OPTIMIZERS[training.optimizer](
        _learning_rate(training, steps),
        weight_decay=training.weight_decay,
        global_clipnorm=training.global_clipnorm,
        use_ema=training.use_ema,
        ema_momentum=training.ema_momentum,
    )


def _learning_rate(training: TrainingRecipe, steps: int):
    if training.schedule == "constant":
        return training.rates[0]
    ends = [round(steps * end / training.epochs) for end in training.cycles]
    warmup = 0
    if training.schedule == "warmup_cosine":
        warmup = max(round(steps * training.warmup_epochs / training.epochs), 1)
    return CosineCycles(training.rates, ends, warmup)
