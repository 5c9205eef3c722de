"""flowjax (JAX), with its premade flows: random permutations between, one scan over the layers."""

import equinox as eqx
import jax
import numpy as np
import paramax
from flowjax.bijections import RationalQuadraticSpline
from flowjax.distributions import StandardNormal
from flowjax.flows import coupling_flow, masked_autoregressive_flow

from benchmarks.libraries.jax_flow import JaxFlow
from benchmarks.tasks import Task


def build(task: Task, data: np.ndarray, variant: str) -> JaxFlow:
    make = masked_autoregressive_flow if task.name == "maf" else coupling_flow
    # flowjax counts inner knots: one fewer than bins.
    spline = RationalQuadraticSpline(knots=task.bins - 1, interval=task.bound)
    flow = make(
        jax.random.key(0),
        base_dist=StandardNormal((task.features,)),
        transformer=spline if task.name == "spline" else None,
        flow_layers=task.layers,
        nn_width=task.units[0],
        nn_depth=len(task.units),
    )
    weights, rest = eqx.partition(
        flow, eqx.is_inexact_array, is_leaf=lambda x: isinstance(x, paramax.NonTrainable)
    )

    def log_prob(weights, x):
        return paramax.unwrap(eqx.combine(weights, rest)).log_prob(x)

    def sample(weights, key, n):
        return paramax.unwrap(eqx.combine(weights, rest)).sample(key, (n,))

    return JaxFlow(weights, log_prob, sample, task, data)
