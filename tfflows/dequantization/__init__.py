from tfflows.dequantization.dequantization import Dequantization
from tfflows.dequantization.uniform_dequantization import UniformDequantization

__all__ = ["Dequantization", "UniformDequantization"]
