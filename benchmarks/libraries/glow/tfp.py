"""TFP's own Glow, with its own Keras 2 networks."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from benchmarks.libraries.tfp import TFPFlow
from benchmarks.tasks import Task, Unavailable

tfb, tfd = tfp.bijectors, tfp.distributions


def build(task: Task, data: np.ndarray, variant: str) -> TFPFlow:
    if task.dtype != "float32":
        raise Unavailable("TFP's networks for Glow take no dtype")
    glow = tfb.Glow(
        task.image,
        task.levels,
        task.layers,
        lambda shape: tfb.GlowDefaultNetwork(shape, num_hidden=task.units[0]),
        tfb.GlowDefaultExitNetwork,
    )
    base = tfd.MultivariateNormalDiag(tf.zeros(math.prod(task.image)))
    distribution = tfd.TransformedDistribution(base, glow)
    distribution.log_prob(data[0])  # makes and initializes what is made at the first call
    return TFPFlow(distribution, glow.trainable_variables, task, data, variant)
