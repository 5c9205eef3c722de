from tfflows.layers.act_norm import ActNorm
from tfflows.layers.autoregressive import Autoregressive
from tfflows.layers.autoregressive_convolution import AutoregressiveConvolution
from tfflows.layers.batch_normalization import BatchNormalization
from tfflows.layers.chain import Chain
from tfflows.layers.coupling import Coupling
from tfflows.layers.emerging_convolution import EmergingConvolution
from tfflows.layers.fixed_bijector import FixedBijector
from tfflows.layers.invert import Invert
from tfflows.layers.invertible_linear import InvertibleLinear
from tfflows.layers.logit import Logit
from tfflows.layers.multi_scale import MultiScale
from tfflows.layers.periodic_convolution import PeriodicConvolution
from tfflows.layers.permute import Permute
from tfflows.layers.rescale import Rescale
from tfflows.layers.squeeze import Squeeze
from tfflows.layers.standardize import Standardize
from tfflows.layers.unsqueeze import Unsqueeze

__all__ = [
    "ActNorm",
    "Autoregressive",
    "AutoregressiveConvolution",
    "BatchNormalization",
    "Chain",
    "Coupling",
    "EmergingConvolution",
    "FixedBijector",
    "Invert",
    "InvertibleLinear",
    "Logit",
    "MultiScale",
    "PeriodicConvolution",
    "Permute",
    "Rescale",
    "Squeeze",
    "Standardize",
    "Unsqueeze",
]
