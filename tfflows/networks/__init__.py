from tfflows.networks.causal_block import CausalBlock
from tfflows.networks.causal_convolution import CausalConvolution
from tfflows.networks.causal_stream import CausalStream
from tfflows.networks.conv_net import ConvNet
from tfflows.networks.dropout_mask import DropoutMask
from tfflows.networks.gated_attention import GatedAttention
from tfflows.networks.gated_convolution import GatedConvolution
from tfflows.networks.gated_self_attention import GatedSelfAttention
from tfflows.networks.made import MADE
from tfflows.networks.masked_dense import MaskedDense
from tfflows.networks.mlp import MLP
from tfflows.networks.pixel_cnn import PixelCNN
from tfflows.networks.residual_conv_net import ResidualConvNet
from tfflows.networks.residual_mlp import ResidualMLP
from tfflows.networks.weight_normalized_conv2d import WeightNormalizedConv2D
from tfflows.networks.weight_normalized_dense import WeightNormalizedDense

__all__ = [
    "CausalBlock",
    "CausalConvolution",
    "CausalStream",
    "ConvNet",
    "DropoutMask",
    "GatedAttention",
    "GatedConvolution",
    "GatedSelfAttention",
    "MADE",
    "MLP",
    "MaskedDense",
    "PixelCNN",
    "ResidualConvNet",
    "ResidualMLP",
    "WeightNormalizedConv2D",
    "WeightNormalizedDense",
]
