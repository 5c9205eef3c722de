from tfflows.networks.made import MADE
from tfflows.networks.masked_dense import MaskedDense
from tfflows.networks.mlp import MLP
from tfflows.networks.residual_mlp import ResidualMLP
from tfflows.networks.weight_normalized_dense import WeightNormalizedDense

__all__ = ["MADE", "MLP", "MaskedDense", "ResidualMLP", "WeightNormalizedDense"]
