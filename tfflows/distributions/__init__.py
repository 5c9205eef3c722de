from tfflows.distributions.base_distribution import BaseDistribution
from tfflows.distributions.fixed_distribution import FixedDistribution
from tfflows.distributions.gaussian_mixture import GaussianMixture
from tfflows.distributions.standard_normal import StandardNormal

__all__ = ["BaseDistribution", "FixedDistribution", "GaussianMixture", "StandardNormal"]
