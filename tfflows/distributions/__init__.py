from tfflows.distributions.base_distribution import BaseDistribution
from tfflows.distributions.categorical_logistic_head import CategoricalLogisticHead
from tfflows.distributions.categorical_logistic_mixture import CategoricalLogisticMixture
from tfflows.distributions.discretized import Discretized
from tfflows.distributions.discretized_logistic_head import DiscretizedLogisticHead
from tfflows.distributions.discretized_logistic_mixture import DiscretizedLogisticMixture
from tfflows.distributions.fixed_distribution import FixedDistribution
from tfflows.distributions.gaussian_mixture import GaussianMixture
from tfflows.distributions.standard_normal import StandardNormal

__all__ = [
    "BaseDistribution",
    "CategoricalLogisticHead",
    "CategoricalLogisticMixture",
    "Discretized",
    "DiscretizedLogisticHead",
    "DiscretizedLogisticMixture",
    "FixedDistribution",
    "GaussianMixture",
    "StandardNormal",
]
