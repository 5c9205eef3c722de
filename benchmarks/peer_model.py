"""The nflows model of the architecture that a recipe of the zoo describes."""

from typing import Any

from nflows import transforms
from nflows.distributions import StandardNormal
from nflows.flows import Flow
from nflows.nn.nets import ResidualNet
from nflows.transforms import (
    MaskedPiecewiseRationalQuadraticAutoregressiveTransform as AutoregressiveSpline,
)
from nflows.transforms import PiecewiseRationalQuadraticCouplingTransform as SplineCoupling
from nflows.utils.torchutils import create_alternating_binary_mask

import tfflows
from zoo.recipe import Recipe

# Arguments of ours that have a counterpart in nflows; another would make another architecture.
# A seed and an initializer are of ours alone: the peer draws its own initial weights; its linear
# layers start as permutations. It always scales the sizes of bins, by 1 / sqrt(units), and its
# affine scales are softplus, those of our "softplus_affine".
KNOWN = {
    "MAF": {"num_layers", "units", "family", "normalization"},
    "NeuralSplineFlow": {
        *("num_layers", "units", "num_blocks", "kind", "num_bins", "bound"),
        *("size_scale", "linear", "linear_initializer", "dropout", "seed"),
    },
}


def peer_model(recipe: Recipe) -> Flow:
    """nflows' model of the same kind, depth, widths, bins and normalization, freshly initialised.

    Raises:
        ValueError: nflows has no such model.
    """
    data = recipe.data.load()
    if len(data.event_shape) != 1 or recipe.model.class_name not in KNOWN:
        raise ValueError(f"{recipe.name}: only MAFs and spline flows of vectors are compared.")
    unknown = set(recipe.model.arguments) - KNOWN[recipe.model.class_name]
    if unknown:
        raise ValueError(f"{recipe.name}: no counterpart in nflows for {sorted(unknown)}.")
    ours = recipe.make_model()
    layer = _maf if recipe.model.class_name == "MAF" else _spline
    features = data.event_shape[0]
    layers = [part for i in range(ours.num_layers) for part in layer(ours, i, features, data)]
    return Flow(transforms.CompositeTransform(layers), StandardNormal([features]))


def _maf(ours: tfflows.MAF, i: int, features: int, data: Any) -> list[transforms.Transform]:
    if ours.normalization not in (None, "act"):
        raise ValueError(f"no counterpart in nflows for normalization={ours.normalization!r}.")
    if ours.family not in ("affine", "softplus_affine"):
        raise ValueError(f"no counterpart in nflows for family={ours.family!r}.")
    if len(set(ours.units)) > 1:
        raise ValueError(f"nflows' MADE has hidden layers of one width, not {ours.units}.")
    made = transforms.MaskedAffineAutoregressiveTransform(
        features,
        hidden_features=ours.units[0],
        context_features=data.num_classes,
        num_blocks=len(ours.units) - 1,
        use_residual_blocks=False,
    )
    normalization = [transforms.ActNorm(features)] if ours.normalization else []
    return [*normalization, made, transforms.ReversePermutation(features)]


def _spline(
    ours: tfflows.NeuralSplineFlow, i: int, features: int, data: Any
) -> list[transforms.Transform]:
    spline = {"num_bins": ours.num_bins, "tails": "linear", "tail_bound": ours.bound}
    if ours.kind == "autoregressive":
        layer = AutoregressiveSpline(
            features,
            hidden_features=ours.units,
            context_features=data.num_classes,
            num_blocks=ours.num_blocks,
            dropout_probability=ours.dropout,
            **spline,
        )
        return [*_linear(ours, features), layer]

    def network(inputs: int, outputs: int) -> ResidualNet:
        return ResidualNet(
            inputs,
            outputs,
            hidden_features=ours.units,
            context_features=data.num_classes,
            num_blocks=ours.num_blocks,
            dropout_probability=ours.dropout,
        )

    mask = create_alternating_binary_mask(features, even=i % 2 == 0)
    return [*_linear(ours, features), SplineCoupling(mask, network, **spline)]


def _linear(ours: tfflows.NeuralSplineFlow, features: int) -> list[transforms.Transform]:
    if ours.linear is None:
        return [transforms.ReversePermutation(features)]
    # nflows' own form of a PLU layer: a random permutation, then L U, from the identity.
    return [transforms.RandomPermutation(features), transforms.LULinear(features)]
