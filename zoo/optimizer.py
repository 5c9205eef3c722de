"""The optimizer of a recipe."""

from __future__ import annotations

import keras

from zoo.recipe import TrainingRecipe

OPTIMIZERS = {"adam": keras.optimizers.Adam, "adamax": keras.optimizers.Adamax}


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
    rate = training.learning_rate
    if training.schedule == "constant":
        return rate
    if training.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(rate, steps)
    warmup = max(round(steps * training.warmup_epochs / training.epochs), 1)
    return keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=rate, warmup_steps=warmup
    )
