"""distrax (JAX). It has bijectors but no networks: the conditioner is an MLP of a few lines."""

import itertools

import distrax
import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.libraries.jax_flow import JaxFlow
from benchmarks.tasks import Task, Unavailable


def build(task: Task, data: np.ndarray, variant: str) -> JaxFlow:
    if task.name == "maf":
        raise Unavailable("distrax has no autoregressive bijector and no MADE")
    swaps = [i % 2 == 1 for i in range(task.layers)]

    def flow(weights) -> distrax.Transformed:
        layers = [_coupling(task, w, swap) for w, swap in zip(weights, swaps, strict=True)]
        zeros = jnp.zeros(task.features)
        base = distrax.MultivariateNormalDiag(zeros, zeros + 1)
        # Inverted: log_prob runs each layer forwards, which is a spline's faster way.
        return distrax.Transformed(base, distrax.Inverse(distrax.Chain(layers)))

    keys = jax.random.split(jax.random.key(0), task.layers)
    return JaxFlow(
        [_weights(task, key, swap) for key, swap in zip(keys, swaps, strict=True)],
        lambda weights, x: flow(weights).log_prob(x),
        lambda weights, key, n: flow(weights).sample(seed=key, sample_shape=(n,)),
        task,
        data,
    )


def _parameters(task: Task) -> int:
    """Parameters of one transformed feature."""
    return 3 * task.bins + 1 if task.name == "spline" else 2


def _coupling(task: Task, weights: list, swap: bool) -> distrax.SplitCoupling:
    def conditioner(x):
        outputs = _mlp(weights, x)
        return outputs.reshape(*x.shape[:-1], -1, _parameters(task))

    def bijector(parameters):
        if task.name == "spline":
            return distrax.RationalQuadraticSpline(
                parameters, -task.bound, task.bound, boundary_slopes="identity"
            )
        return distrax.ScalarAffine(shift=parameters[..., 0], log_scale=parameters[..., 1])

    return distrax.SplitCoupling(task.features // 2, 1, conditioner, bijector, swap=swap)


def _mlp(weights: list, x: jax.Array) -> jax.Array:
    *hidden, last = weights
    for kernel, bias in hidden:
        x = jax.nn.relu(x @ kernel + bias)
    return x @ last[0] + last[1]


def _weights(task: Task, key: jax.Array, swap: bool) -> list:
    """Random kernels; a last layer near zero, for exp(log_scale) is not bounded."""
    first, second = task.features // 2, task.features - task.features // 2
    kept, transformed = (second, first) if swap else (first, second)
    sizes = (kept, *task.units, transformed * _parameters(task))
    weights = [
        (jax.random.normal(k, (a, b)) / a**0.5, jnp.zeros(b))
        for k, (a, b) in zip(
            jax.random.split(key, len(sizes) - 1), itertools.pairwise(sizes), strict=True
        )
    ]
    kernel, bias = weights[-1]
    return [*weights[:-1], (kernel * 0.01, bias)]
