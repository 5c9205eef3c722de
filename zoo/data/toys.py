"""2-D toy data, as in FFJORD (Grathwohl et al., 2019), drawn from a fixed seed per split."""

from collections.abc import Callable

import numpy as np

from zoo.data.data_set import SPLITS, DataSet

SIZES = {"train": 50_000, "validation": 5_000, "test": 10_000}

Sampler = Callable[[np.random.RandomState, int], np.ndarray]


def toy(name: str) -> DataSet:
    """One of the toys: float32 `[n, 2]`, 50,000 / 5,000 / 10,000 examples."""
    sampler, description = TOYS[name]
    return DataSet(
        name=name,
        event_shape=(2,),
        description=description,
        source="generated",
        licence="Apache-2.0",
        read=lambda split: (_draw(sampler, split), None),
        plot_range=(-4.5, 4.5),
        true_log_prob=LOG_PROBS.get(name),
    )


def _draw(sampler: Sampler, split: str) -> np.ndarray:
    random = np.random.RandomState([2019, SPLITS.index(split)])
    return sampler(random, SIZES[split]).astype(np.float32)


def _moons(random: np.random.RandomState, n: int) -> np.ndarray:
    points = _half_circles(np.pi * random.rand(n))
    which = random.randint(2, size=n)
    return points[which, np.arange(n)] + MOONS_STD * random.randn(n, 2)


def _half_circles(angle: np.ndarray) -> np.ndarray:
    """The spines of both moons, `[2, n, 2]`."""
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=-1)
    return 2 * np.stack([upper, lower]) - [1, 0.2]


def _eight_gaussians(random: np.random.RandomState, n: int) -> np.ndarray:
    return GAUSSIANS_CENTRES[random.randint(8, size=n)] + GAUSSIANS_STD * random.randn(n, 2)


def _checkerboard(random: np.random.RandomState, n: int) -> np.ndarray:
    x = 4 * random.rand(n) - 2
    y = random.rand(n) - 2 * random.randint(2, size=n) + np.floor(x) % 2
    return 2 * np.stack([x, y], axis=-1)


def _pinwheel(random: np.random.RandomState, n: int) -> np.ndarray:
    radial, tangential = (random.randn(n, 2) * [0.3, 0.1] + [1, 0]).T
    blade = random.randint(5, size=n)
    angle = 2 * np.pi / 5 * blade + 0.25 * np.exp(radial)
    x = radial * np.cos(angle) + tangential * np.sin(angle)
    y = -radial * np.sin(angle) + tangential * np.cos(angle)
    return 2 * np.stack([x, y], axis=-1)


def _two_spirals(random: np.random.RandomState, n: int) -> np.ndarray:
    angle = 3 * np.pi * np.sqrt(random.rand(n))
    spiral = np.stack([-np.cos(angle), np.sin(angle)], axis=-1) * angle[:, None]
    arm = 1 - 2 * random.randint(2, size=(n, 1))
    return arm * (spiral + 0.5 * random.rand(n, 2)) / 3 + 0.1 * random.randn(n, 2)


def _checkerboard_log_prob(x: np.ndarray) -> np.ndarray:
    """Uniform on eight squares of side 2."""
    cell = np.floor(np.asarray(x) / 2)
    inside = np.all(np.abs(x) < 4, axis=-1) & (cell.sum(axis=-1) % 2 == 0)
    return np.where(inside, -np.log(32), -np.inf)


def _mixture_log_prob(centres: np.ndarray, std: float) -> Callable[[np.ndarray], np.ndarray]:
    """The density of round Gaussians of equal weight."""

    def log_prob(x: np.ndarray) -> np.ndarray:
        squares = sum((np.asarray(x)[:, i, None] - centres[:, i]) ** 2 for i in range(2))
        normalizer = np.log(2 * np.pi * std**2 * len(centres))
        return np.logaddexp.reduce(-squares / (2 * std**2), axis=-1) - normalizer

    return log_prob


MOONS_STD = 0.2
GAUSSIANS_STD = 0.5 / 1.414
_eighths = np.pi / 4 * np.arange(8)
GAUSSIANS_CENTRES = 4 / 1.414 * np.stack([np.cos(_eighths), np.sin(_eighths)], axis=-1)

TOYS: dict[str, tuple[Sampler, str]] = {
    "moons": (_moons, "Two interleaved half circles with Gaussian noise."),
    "eight_gaussians": (_eight_gaussians, "Eight round Gaussians on a circle."),
    "checkerboard": (_checkerboard, "Uniform on the eight dark squares of a 4x4 board."),
    "pinwheel": (_pinwheel, "Five bent blades."),
    "two_spirals": (_two_spirals, "Two interleaved spirals."),
}

# The moons' integral over the angle, by the midpoint rule.
_angles = np.pi * (np.arange(100) + 0.5) / 100
LOG_PROBS = {
    "moons": _mixture_log_prob(_half_circles(_angles).reshape(-1, 2), MOONS_STD),
    "eight_gaussians": _mixture_log_prob(GAUSSIANS_CENTRES, GAUSSIANS_STD),
    "checkerboard": _checkerboard_log_prob,
}
