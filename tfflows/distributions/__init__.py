from tfflows.distributions.base_distribution import BaseDistribution
from tfflows.distributions.discretized import Discretized
from tfflows.distributions.discretized_logistic_head import DiscretizedLogisticHead
from tfflows.distributions.discretized_logistic_mixture import DiscretizedLogisticMixture
from tfflows.distributions.fixed_distribution import FixedDistribution
from tfflows.distributions.gaussian_mixture import GaussianMixture
from tfflows.distributions.standard_normal import StandardNormal

__all__ = [
    "BaseDistribution",
    "Discretized",
    "DiscretizedLogisticHead",
    "DiscretizedLogisticMixture",
    "FixedDistribution",
    "GaussianMixture",
    "StandardNormal",
]
