"""Normalizing flows and exact-likelihood models for Keras 3."""

from tfflows import (
    dequantization,
    distributions,
    families,
    layers,
    masks,
    models,
    networks,
    sampling,
)
from tfflows.bijector_layer import BijectorLayer
from tfflows.kernel_muon import KernelMuon
from tfflows.models import (
    IAF,
    MAF,
    DensityModel,
    FlowModel,
    FlowPlusPlus,
    Glow,
    MultiScaleRealNVP,
    NeuralSplineFlow,
    PixelCNNPlusPlus,
    RealNVP,
)
from tfflows.saved_model import load
from tfflows.version import __version__

__all__ = [
    "IAF",
    "MAF",
    "BijectorLayer",
    "DensityModel",
    "FlowModel",
    "FlowPlusPlus",
    "Glow",
    "KernelMuon",
    "MultiScaleRealNVP",
    "NeuralSplineFlow",
    "PixelCNNPlusPlus",
    "RealNVP",
    "dequantization",
    "distributions",
    "families",
    "layers",
    "load",
    "masks",
    "models",
    "networks",
    "sampling",
    "__version__",
]
