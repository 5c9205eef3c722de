"""The 2-D toys."""

import numpy as np
import pytest

from zoo import data
from zoo.data.toys import TOYS

WITH_DENSITY = ("moons", "eight_gaussians", "checkerboard")


@pytest.fixture(scope="module")
def grid():
    """Midpoints of 200 x 200 cells on [-5, 5]^2, and the area of a cell."""
    ticks = -5 + 10 * (np.arange(200) + 0.5) / 200
    return np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2), (10 / 200) ** 2


def test_densities_are_offered_where_they_are_known():
    known = {name for name in TOYS if data.load(name).true_log_prob}
    assert known == set(WITH_DENSITY)


@pytest.mark.parametrize("name", WITH_DENSITY)
def test_density_integrates_to_one(name, grid):
    points, area = grid
    assert np.exp(data.load(name).true_log_prob(points)).sum() * area == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", WITH_DENSITY)
def test_samples_have_the_density(name, grid):
    """Frequencies in 10 x 10 squares, within 5 standard errors; and the entropy."""
    data_set, (points, area) = data.load(name), grid
    x, _ = data_set.arrays("train")
    log_prob = data_set.true_log_prob(points)
    mass = area * np.exp(log_prob)
    edges = [np.linspace(-5, 5, 11)] * 2
    expected = np.histogram2d(*points.T, bins=edges, weights=mass)[0]
    found = np.histogram2d(*x.T, bins=edges)[0] / len(x)
    assert np.all(np.abs(found - expected) < 5 * np.sqrt(expected / len(x)) + 1e-3)
    entropy = -np.sum(mass * np.where(mass > 0, log_prob, 0))
    assert -data_set.true_log_prob(x).mean() == pytest.approx(entropy, abs=0.02)


@pytest.mark.parametrize("name", TOYS)
def test_splits_differ_and_lie_in_the_plot(name):
    data_set = data.load(name)
    low, high = data_set.plot_range
    train, validation, test = (data_set.arrays(split)[0] for split in data.SPLITS)
    assert not np.isin(validation, train).all(axis=1).any()
    assert not np.isin(test, validation).all(axis=1).any()
    assert np.mean((train > low) & (train < high)) > 0.999


@pytest.mark.parametrize(
    ("name", "mean", "std"),
    [
        ("moons", (0.0, 0.3), (1.747, 1.012)),
        ("eight_gaussians", (0.0, 0.0), (2.031, 2.031)),
        ("checkerboard", (0.0, 0.0), (2.309, 2.309)),
        ("pinwheel", (0.0, 0.0), (1.484, 1.484)),
        ("two_spirals", (0.0, 0.0), (1.57, 1.57)),
    ],
)
def test_moments(name, mean, std):
    """The first four are their definitions' integrals; the spirals' are about (3 pi / 3) / 2."""
    x, _ = data.load(name).arrays("train")
    np.testing.assert_allclose(x.mean(axis=0), mean, atol=0.04)
    np.testing.assert_allclose(x.std(axis=0), std, atol=0.06)


def test_spirals_wind_one_and_a_half_turns():
    """Turned back by its radius, each point lies on one line through the centre."""
    x, _ = data.load("two_spirals").arrays("train")
    radius = np.linalg.norm(x, axis=1)
    outer = x[radius > 1.5]
    angle = np.arctan2(outer[:, 1], -outer[:, 0]) - 3 * radius[radius > 1.5]
    distance = np.abs(np.sin(angle))
    assert np.median(distance) < 0.4 and radius.max() == pytest.approx(np.pi, abs=0.6)


def test_pinwheel_has_five_blades():
    """A turn by a fifth leaves the distribution as it is, a turn by a tenth does not."""
    x, _ = data.load("pinwheel").arrays("train")
    angle = np.arctan2(x[:, 1], x[:, 0])
    assert np.abs(np.exp(5j * angle).mean()) > 0.5
    assert all(np.abs(np.exp(1j * k * angle).mean()) < 0.03 for k in (1, 2, 3, 4))
