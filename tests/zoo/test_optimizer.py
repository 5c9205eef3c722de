"""Optimizers and schedules of recipes."""

import keras
import numpy as np
import pytest

from zoo.optimizer import make_optimizer
from zoo.recipe import TrainingRecipe

STEPS = 1000


def rates(**training):
    optimizer = make_optimizer(TrainingRecipe(epochs=10, **training), STEPS)
    schedule = optimizer._learning_rate
    steps = (0, 50, 100, 550, STEPS)
    if not callable(schedule):
        return [float(optimizer.learning_rate)] * len(steps)
    return [float(schedule(step)) for step in steps]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [2, 2, 2, 2, 2]),
        ("cosine", [2, 1 + np.cos(0.05 * np.pi), 1 + np.cos(0.1 * np.pi)]),
        ("warmup_cosine", [0, 1, 2, 1, 0]),
    ],
)
def test_learning_rate(schedule, expected):
    found = rates(learning_rate=2.0, schedule=schedule)
    np.testing.assert_allclose(found[: len(expected)], expected, atol=1e-6)


@pytest.mark.parametrize("schedule", ["cosine", "warmup_cosine"])
def test_the_schedule_ends_at_zero(schedule):
    assert rates(schedule=schedule)[-1] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "cls"), [("adam", keras.optimizers.Adam), ("adamax", keras.optimizers.Adamax)]
)
def test_optimizer(name, cls):
    recipe = TrainingRecipe(epochs=10, optimizer=name, use_ema=True, ema_momentum=0.7)
    optimizer = make_optimizer(recipe, STEPS)
    assert type(optimizer) is cls
    assert optimizer.use_ema and optimizer.ema_momentum == 0.7
