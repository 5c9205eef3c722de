from tfflows.dequantization.dequantization import Dequantization
from tfflows.dequantization.uniform_dequantization import UniformDequantization
from tfflows.dequantization.variational_dequantization import VariationalDequantization

__all__ = ["Dequantization", "UniformDequantization", "VariationalDequantization"]
