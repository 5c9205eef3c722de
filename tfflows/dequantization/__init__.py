from tfflows.dequantization.uniform_dequantization import UniformDequantization

__all__ = ["UniformDequantization"]
