"""Optimizers and schedules of recipes."""

import keras
import numpy as np
import pytest

import tfflows
from zoo.cosine_cycles import CosineCycles
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


@pytest.mark.parametrize("rates", [(2.0, 2.0), (2.0, 0.5)])
@pytest.mark.parametrize("schedule", ["cosine", "warmup_cosine"])
def test_a_restart_begins_the_schedule_anew(schedule, rates):
    options = {"schedule": schedule, "warmup_epochs": 1}
    both = 2.0 if rates == (2.0, 2.0) else rates
    recipe = TrainingRecipe(epochs=10, restarts=(4,), learning_rate=both, **options)
    whole = make_optimizer(recipe, STEPS)
    first = make_optimizer(TrainingRecipe(epochs=4, learning_rate=rates[0], **options), 400)
    second = make_optimizer(TrainingRecipe(epochs=6, learning_rate=rates[1], **options), 600)
    for step in (0, 50, 100, 250, 400):
        expected = float(first._learning_rate(step))
        assert float(whole._learning_rate(step)) == pytest.approx(expected, abs=1e-6)
    for step in (401, 450, 500, 700, 1000):
        expected = float(second._learning_rate(step - 400))
        assert float(whole._learning_rate(step)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("adam", keras.optimizers.Adam),
        ("adamax", keras.optimizers.Adamax),
        ("muon", tfflows.KernelMuon),
    ],
)
def test_optimizer(name, cls):
    recipe = TrainingRecipe(epochs=10, optimizer=name, use_ema=True, ema_momentum=0.7)
    optimizer = make_optimizer(recipe, STEPS)
    assert type(optimizer) is cls
    assert optimizer.use_ema and optimizer.ema_momentum == 0.7


def test_a_cycle_that_is_all_warmup_is_finite():
    schedule = CosineCycles((1.0, 1.0), (2, 4), warmup_steps=2)
    assert [float(schedule(step)) for step in range(5)] == [0, 0.5, 1, 0.5, 1]
