"""Every bijector layer, one row each: how to make it, and what it takes."""

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfflows.families import Affine
from tfflows.layers import (
    ActNorm,
    Autoregressive,
    AutoregressiveConvolution,
    BatchNormalization,
    Chain,
    Coupling,
    EmergingConvolution,
    FixedBijector,
    Invert,
    InvertibleLinear,
    Logit,
    MultiScale,
    PeriodicConvolution,
    Permute,
    Rescale,
    Squeeze,
    Standardize,
    Unsqueeze,
)
from tfflows.masks import PackedCheckerboard
from tfflows.networks import MADE, MLP, ConvNet, GatedAttention, ResidualConvNet, ResidualMLP

SPLINE = "rational_quadratic_spline"
MIXTURE = "mixture_of_logistics"


@dataclasses.dataclass(frozen=True)
class Row:
    """A layer to be tested.

    `low`, `high`: data are uniform there, away from points where a derivative jumps.
    """

    name: str
    make: Callable
    shape: tuple = (5,)
    condition: tuple | None = None
    low: float = -2.0
    high: float = 2.0
    total: bool = True  # defined for every real input

    def layer(self, dtype="float32"):
        layer = self.make(dtype)
        condition = None if self.condition is None else (None, *self.condition)
        layer.build((None, *self.shape), condition)
        for seed, weight in enumerate(layer.trainable_weights):  # away from the identity
            noise = np.random.RandomState(seed).normal(size=weight.shape)
            weight.assign(weight + 0.2 * noise.astype(weight.dtype))
        return layer

    def data(self, n=4, dtype="float32", seed=1):
        x = np.random.RandomState(seed).uniform(self.low, self.high, (n, *self.shape))
        return tf.constant(x, dtype)

    def condition_data(self, n=4, dtype="float32"):
        if self.condition is None:
            return None
        return tf.constant(np.random.RandomState(2).normal(size=(n, *self.condition)), dtype)


def _coupling(mask, family, network=MLP):
    def make(dtype):
        units = [8] if network is MLP else 8
        return Coupling(mask, network(units, name="network", dtype=dtype), family, dtype=dtype)

    return make


def _image_coupling(mask, network, kernel_size=3):
    def make(dtype):
        return Coupling(mask, network(dtype), "affine", kernel_size, dtype=dtype)

    return make


def _conv(dtype, **kwargs):
    return ConvNet((8,), (3,), activation="elu", name="network", dtype=dtype, **kwargs)


def _residual_conv(dtype, **kwargs):
    return ResidualConvNet(8, 1, activation="elu", name="network", dtype=dtype, **kwargs)


def _gated_attention(dtype):
    return GatedAttention(8, 1, num_heads=2, name="network", dtype=dtype)


def _multi_scale(dtype):
    def level(i, *layers):
        layers = [layer(name=layer.__name__.lower(), dtype=dtype) for layer in layers]
        coupling = Coupling("channel", _conv(dtype), kernel_size=3, name="coupling", dtype=dtype)
        return Chain([*layers, coupling], name=f"level_{i}", dtype=dtype)

    levels = [level(0, ActNorm), level(1, Squeeze, ActNorm), level(2, Squeeze)]
    return MultiScale(levels, dtype=dtype)


def _autoregressive(family, **kwargs):
    def make(dtype):
        network = MADE([16, 16], name="network", dtype=dtype, activation="elu", **kwargs)
        return Autoregressive(network, family, dtype=dtype)

    return make


def _convolution(order):
    return lambda dtype: AutoregressiveConvolution(2, order, dtype=dtype)


def _chain(dtype, memory=None):
    first = Coupling("half", MLP([8], name="network", dtype=dtype), name="first", dtype=dtype)
    second = _autoregressive("affine")(dtype)
    return Chain([ActNorm(name="norm", dtype=dtype), first, second], memory, dtype=dtype)


def _vector(dtype, *values):
    return tf.constant(values, "float64" if dtype == "float64" else "float32")


def _blockwise(dtype):
    bounded = tfb.Sigmoid(_vector(dtype, 0.0, -1.0, 0.0), _vector(dtype, 3.0, 4.0, 5.0))
    return FixedBijector(tfb.Blockwise([tfb.Softplus(), bounded], [2, 3]), dtype=dtype)


def _tails_of_each_channel(dtype):
    tails = tfb.SinhArcsinh(0.1, _vector(dtype, 0.9, 1.0, 1.2))
    return FixedBijector(tfb.Chain([tfb.Shift(_vector(dtype, 0.5)), tails]), dtype=dtype)


IMAGE = {"shape": (4, 4, 3)}
C = {"condition": (2,)}

ROWS = [
    Row("act_norm", lambda d: ActNorm(dtype=d)),
    Row("act_norm_image", lambda d: ActNorm(dtype=d), **IMAGE),
    Row("standardize", lambda d: Standardize(dtype=d)),
    Row("batch_normalization", lambda d: BatchNormalization(dtype=d)),
    Row("batch_normalization_image", lambda d: BatchNormalization(dtype=d), **IMAGE),
    Row("permute_reverse", lambda d: Permute("reverse", dtype=d)),
    Row("permute_random", lambda d: Permute("random", seed=3, dtype=d), **IMAGE),
    Row("permute_indices", lambda d: Permute([2, 0, 1, 4, 3], dtype=d)),
    Row("squeeze", lambda d: Squeeze(dtype=d), **IMAGE),
    Row("unsqueeze", lambda d: Unsqueeze(dtype=d), shape=(2, 3, 8)),
    Row("rescale", lambda d: Rescale(-0.5, 3.0, dtype=d)),
    Row("logit", lambda d: Logit(alpha=0.05, dtype=d), low=0.01, high=0.99, total=False),
    Row("fixed_blockwise", _blockwise, low=0.1, total=False),
    Row("fixed_exp", lambda d: FixedBijector(tfb.Exp(), dtype=d), low=0.1, total=False),
    Row("fixed_chain", _tails_of_each_channel, **IMAGE),
    Row("invert_logit", lambda d: Invert(Logit(dtype=d, name="logit"), dtype=d)),
    *[
        Row(f"linear_{p}", lambda d, p=p: InvertibleLinear(p, seed=1, dtype=d))
        for p in ("plu", "qr", "full")
    ],
    *[
        Row(f"linear_{p}_image", lambda d, p=p: InvertibleLinear(p, seed=1, dtype=d), **IMAGE)
        for p in ("plu", "qr", "full")
    ],
    *[
        Row(f"autoregressive_convolution_{order}", _convolution(order), **IMAGE)
        for order in ("raster", "reversed")
    ],
    Row("emerging_convolution", lambda d: EmergingConvolution(seed=1, dtype=d), **IMAGE),
    Row(
        "emerging_convolution_wide",
        lambda d: EmergingConvolution(5, "qr", seed=1, dtype=d),
        shape=(3, 5, 2),
    ),
    Row("periodic_convolution", lambda d: PeriodicConvolution(seed=1, dtype=d), **IMAGE),
    Row(
        "periodic_convolution_odd", lambda d: PeriodicConvolution(seed=1, dtype=d), shape=(3, 5, 2)
    ),
    *[
        Row(f"coupling_{mask}_{family}", _coupling(mask, family))
        for mask in ("half", "alternating")
        for family in ("additive", "affine", SPLINE, MIXTURE)
    ],
    Row("coupling_softplus_affine", _coupling("half", "softplus_affine")),
    Row("coupling_narrow_scale", _coupling("half", Affine(max_log_scale=0.5))),
    Row("coupling_residual", _coupling("half", "affine", ResidualMLP)),
    Row(
        "coupling_weight_normalized_mlp",
        lambda d: Coupling("half", ResidualMLP(8, weight_normalization=True, dtype=d), dtype=d),
    ),
    Row("coupling_condition", _coupling("half", "affine"), **C),
    Row("coupling_channel", _coupling("channel", "affine"), **IMAGE),
    Row("coupling_checkerboard", _coupling("checkerboard", "affine"), **IMAGE),
    Row("coupling_checkerboard_condition", _coupling("checkerboard", SPLINE), **IMAGE, **C),
    Row("coupling_conv", _image_coupling("channel", _conv), **IMAGE),
    Row("coupling_conv_condition", _image_coupling("checkerboard", _conv), **IMAGE, **C),
    *[
        Row(
            f"coupling_packed_{name}",
            lambda d, m=mask: Coupling(m, _conv(d), kernel_size=3, dtype=d),
            **IMAGE,
            **C,
        )
        for name, mask in (("odd", PackedCheckerboard()), ("even", PackedCheckerboard(swap=True)))
    ],
    Row("coupling_gated_attention", _image_coupling("channel", _gated_attention), **IMAGE),
    Row(
        "coupling_gated_mixture",
        lambda d: Coupling("checkerboard", _gated_attention(d), MIXTURE, dtype=d),
        condition=(4, 4, 2),
        **IMAGE,
    ),
    Row("coupling_residual_conv", _image_coupling("checkerboard", _residual_conv, 1), **IMAGE),
    *[
        Row(
            f"coupling_weight_normalized_{name}",
            _image_coupling("channel", lambda d, n=network: n(d, weight_normalization=True)),
            **IMAGE,
        )
        for name, network in (("conv", _conv), ("residual_conv", _residual_conv))
    ],
    *[
        Row(f"autoregressive_{f}", _autoregressive(f))
        for f in ("additive", "affine", "softplus_affine", SPLINE, MIXTURE)
    ],
    Row("autoregressive_condition", _autoregressive("affine"), **C),
    Row("autoregressive_order", _autoregressive("affine", order=[3, 1, 0, 4, 2])),
    Row("autoregressive_residual", _autoregressive("affine", residual=True), **C),
    Row("autoregressive_one_dim", _autoregressive("affine"), shape=(1,)),
    Row("iaf", lambda d: Invert(_autoregressive("affine")(d), dtype=d), **C),
    Row("chain", _chain, **C),
    *[
        Row(f"chain_{memory}", lambda d, m=memory: _chain(d, m), **C)
        for memory in ("recompute", "reversible")
    ],
    Row("multi_scale", _multi_scale, **IMAGE),
    Row("multi_scale_condition", _multi_scale, **IMAGE, **C),
]
