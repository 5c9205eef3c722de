"""The short names of the families."""

from tfflows.families.additive import Additive
from tfflows.families.affine import Affine
from tfflows.families.rational_quadratic_spline import RationalQuadraticSpline

FAMILIES = {
    "additive": Additive,
    "affine": Affine,
    "rational_quadratic_spline": RationalQuadraticSpline,
}
