"""What the JAX libraries share: jitted training step, scoring and sampling on a weight tree."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.tasks import Task

Weights = Any


class JaxFlow:
    """A contestant made of weights, ``log_prob(weights, x)`` and ``sample(weights, key, n)``."""

    def __init__(
        self,
        weights: Weights,
        log_prob: Callable[[Weights, jax.Array], jax.Array],
        sample: Callable[[Weights, jax.Array, int], jax.Array],
        task: Task,
        data: np.ndarray,
    ) -> None:
        adam = optax.adam(task.learning_rate)

        # Donated weights are updated in place.
        @partial(jax.jit, donate_argnums=(0, 1))
        def step(weights, state, x):
            loss, gradients = jax.value_and_grad(lambda w: -log_prob(w, x).mean())(weights)
            updates, state = adam.update(gradients, state, weights)
            return optax.apply_updates(weights, updates), state, loss

        self._step = step
        self._log_prob = jax.jit(log_prob)
        self._sample = jax.jit(sample, static_argnums=2)
        self._weights = jax.tree.map(jnp.array, weights)
        self._state = adam.init(self._weights)
        self._key = jax.random.key(0)
        self._batches = itertools.cycle([jnp.asarray(x) for x in data])
        self.num_parameters = sum(w.size for w in jax.tree.leaves(weights))

    def train_step(self) -> float:
        self._weights, self._state, loss = self._step(
            self._weights, self._state, next(self._batches)
        )
        return float(loss)

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self._log_prob(self._weights, x))

    def sample(self, n: int) -> np.ndarray:
        self._key, key = jax.random.split(self._key)
        return np.asarray(self._sample(self._weights, key, n))
