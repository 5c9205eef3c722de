from tfflows.models.density_model import DensityModel
from tfflows.models.flow_model import FlowModel
from tfflows.models.flow_plus_plus import FlowPlusPlus
from tfflows.models.glow import Glow
from tfflows.models.iaf import IAF
from tfflows.models.maf import MAF
from tfflows.models.multi_scale_real_nvp import MultiScaleRealNVP
from tfflows.models.neural_spline_flow import NeuralSplineFlow
from tfflows.models.pixel_cnn_plus_plus import PixelCNNPlusPlus
from tfflows.models.real_nvp import RealNVP

__all__ = [
    "DensityModel",
    "FlowModel",
    "FlowPlusPlus",
    "Glow",
    "IAF",
    "MAF",
    "MultiScaleRealNVP",
    "NeuralSplineFlow",
    "PixelCNNPlusPlus",
    "RealNVP",
]
