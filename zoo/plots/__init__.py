"""Pictures of an entry."""

from zoo.plots.density import density
from zoo.plots.interpolations import interpolations
from zoo.plots.learning_curve import learning_curve
from zoo.plots.nearest_neighbours import nearest_neighbours
from zoo.plots.pixel_values import pixel_values
from zoo.plots.samples import samples

__all__ = [
    "density",
    "interpolations",
    "learning_curve",
    "nearest_neighbours",
    "pixel_values",
    "samples",
]
