"""The short names of the families."""

from tfflows.families.additive import Additive
from tfflows.families.affine import Affine
from tfflows.families.mixture_of_logistics import MixtureOfLogistics
from tfflows.families.rational_quadratic_spline import RationalQuadraticSpline
from tfflows.families.softplus_affine import SoftplusAffine

FAMILIES = {
    "additive": Additive,
    "affine": Affine,
    "mixture_of_logistics": MixtureOfLogistics,
    "rational_quadratic_spline": RationalQuadraticSpline,
    "softplus_affine": SoftplusAffine,
}
