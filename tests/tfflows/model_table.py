"""Every model, one row each."""

import dataclasses
from collections.abc import Callable

import numpy as np
from tensorflow_probability import distributions as tfd

import tfflows
from tfflows.dequantization import UniformDequantization, VariationalDequantization
from tfflows.distributions import GaussianMixture
from tfflows.layers import ActNorm, Chain, Coupling
from tfflows.networks import MLP

DIM = 4
MIXING = np.random.RandomState(0).normal(size=(DIM, DIM))


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    make: Callable
    labels: bool = False
    vectors: bool = False
    shape: tuple = (DIM,)  # images: integers from 0 to 7
    sgd_rate: float = 1e-2  # at which a few steps do not diverge

    def data(self, n=256):
        rs = np.random.RandomState(1)
        if self.shape == (DIM,):
            x = (rs.normal(size=(n, DIM)) @ MIXING).astype("float32")
        else:
            light = rs.normal(3.5, 2.0, (n, 1, 1, 1))
            x = (light + rs.normal(size=(n, *self.shape))).clip(0, 7.99) // 1
            x = x.astype("float32")
        if self.labels:
            return x, rs.randint(0, 3, n)
        return (x, x[:, :2] ** 2) if self.vectors else (x, None)


def _own():
    coupling = Coupling("half", MLP([16], name="network"), name="coupling")
    return Chain([ActNorm(name="norm"), coupling], name="flow")


def _mixture():
    return tfd.MixtureSameFamily(
        tfd.Categorical(probs=[0.3, 0.7]),
        tfd.MultivariateNormalDiag(np.float32([[0.0] * DIM, [1.0] * DIM]), np.ones([2, DIM], "f")),
    )


SMALL = {"num_layers": 2, "units": (16,)}
SPLINE = {"num_layers": 2, "units": 16, "num_blocks": 1, "seed": 1}

IMAGE = {"num_levels": 2, "units": 8, "num_bits": 3}
FLOW_PLUS_PLUS = {"num_couplings": (1, 1, 0), "units": 8, "num_blocks": 1, "num_heads": 2}
FLOW_PLUS_PLUS |= {"num_noise_couplings": 1, "noise_units": 8, "num_bits": 3, "seed": 1}

PIXEL_CNN = {"units": 6, "num_blocks": 1, "num_components": 2, "num_bits": 3}

ROWS = [
    Row("maf", lambda **k: tfflows.MAF(**SMALL, **k)),
    Row("maf_labels", lambda **k: tfflows.MAF(**SMALL, num_classes=3, **k), labels=True),
    Row("maf_vectors", lambda **k: tfflows.MAF(**SMALL, **k), vectors=True),
    Row("maf_act_norm", lambda **k: tfflows.MAF(**SMALL, normalization="act", **k)),
    # One layer: graphs of loops, and of their gradients, are long in the making.
    Row("iaf", lambda **k: tfflows.IAF(**SMALL | {"num_layers": 1}, **k)),
    Row("real_nvp", lambda **k: tfflows.RealNVP(2, (16,), **k)),
    Row("real_nvp_batch", lambda **k: tfflows.RealNVP(2, (16,), normalization="batch", **k)),
    Row(
        "real_nvp_labels",
        lambda **k: tfflows.RealNVP(2, (16,), weight_normalization=True, num_classes=3, **k),
        labels=True,
    ),
    Row("spline_coupling", lambda **k: tfflows.NeuralSplineFlow(**SPLINE, **k)),
    Row(
        "spline_act_norm",
        lambda **k: tfflows.NeuralSplineFlow(**SPLINE, normalization="act", **k),
    ),
    Row(
        "spline_autoregressive",
        lambda **k: tfflows.NeuralSplineFlow(
            **SPLINE, kind="autoregressive", size_scale=0.5, linear_initializer="identity", **k
        ),
        vectors=True,
    ),
    Row(
        "glow",
        lambda **k: tfflows.Glow(num_steps=1, seed=1, num_classes=3, **IMAGE, **k),
        labels=True,
        shape=(8, 8, 1),
    ),
    Row(
        "glow_of_reals",
        lambda **k: tfflows.Glow(
            num_steps=1, seed=1, network="residual", dequantization=None, **IMAGE, **k
        ),
        shape=(4, 4, 3),
    ),
    *[
        Row(
            f"glow_{linear}_{memory}",
            lambda linear=linear, memory=memory, **k: tfflows.Glow(
                num_steps=1, seed=1, linear=linear, memory=memory, dequantization=None, **IMAGE, **k
            ),
            shape=(8, 16, 1) if linear == "emerging" else (16, 16, 1),
            sgd_rate=1e-4,
        )
        for linear, memory in (("emerging", "recompute"), ("periodic", "reversible"))
    ],
    Row(
        "multi_scale_real_nvp",
        lambda **k: tfflows.MultiScaleRealNVP(
            num_blocks=1, num_couplings=1, num_final=2, **IMAGE, **k
        ),
        shape=(8, 8, 1),
    ),
    Row(
        "flow_plus_plus",
        lambda **k: tfflows.FlowPlusPlus(**FLOW_PLUS_PLUS, num_classes=3, **k),
        labels=True,
        shape=(4, 4, 2),
    ),
    Row(
        "pixel_cnn",
        lambda **k: tfflows.PixelCNNPlusPlus(**PIXEL_CNN, num_classes=3, num_levels=2, **k),
        labels=True,
        shape=(5, 6, 2),
    ),
    Row(
        "local_pixel_cnn",
        lambda **k: tfflows.PixelCNNPlusPlus(**PIXEL_CNN, num_levels=1, kernel_size=1, **k),
        shape=(4, 5, 1),
    ),
    Row(
        "pixel_cnn_with_levels",
        lambda **k: tfflows.PixelCNNPlusPlus(
            **PIXEL_CNN, num_levels=1, kernel_size=1, categorical_units=5, **k
        ),
        shape=(4, 5, 2),
    ),
    Row(
        "local_pixel_cnn_some_pixels",
        lambda **k: tfflows.PixelCNNPlusPlus(
            **PIXEL_CNN, num_levels=1, kernel_size=1, pixels_per_image=4 * 5, seed=1, **k
        ),
        shape=(4, 5, 1),
    ),
    Row("own_chain", lambda **k: tfflows.FlowModel(_own(), **k)),
    Row("trained_mixture", lambda **k: tfflows.FlowModel(_own(), GaussianMixture(2, seed=1), **k)),
    Row("fixed_mixture", lambda **k: tfflows.FlowModel(_own(), _mixture(), **k)),
    Row(
        "dequantized",
        lambda **k: tfflows.FlowModel(_own(), dequantization=UniformDequantization(0.5), **k),
    ),
    Row(
        "dequantized_by_a_flow",
        lambda **k: tfflows.FlowModel(
            _own(), dequantization=VariationalDequantization(_own(), bin_width=0.5), **k
        ),
    ),
]
