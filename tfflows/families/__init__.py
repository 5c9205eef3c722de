from tfflows.families.additive import Additive
from tfflows.families.affine import Affine
from tfflows.families.family import Family
from tfflows.families.mixture_of_logistics import MixtureOfLogistics
from tfflows.families.rational_quadratic_spline import RationalQuadraticSpline
from tfflows.families.softplus_affine import SoftplusAffine

__all__ = [
    "Additive",
    "Affine",
    "Family",
    "MixtureOfLogistics",
    "RationalQuadraticSpline",
    "SoftplusAffine",
]
