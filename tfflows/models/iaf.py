"""Inverse autoregressive flows."""

from __future__ import annotations

import keras

from tfflows.models.maf import MAF


@keras.saving.register_keras_serializable("tfflows")
class IAF(MAF):
    """MAF the other way round (Kingma et al. 2016): sampling is one pass, density goes in sequence.

    The flow for variational inference, `compile(target_log_prob=...)`: it is trained on its own
    samples, whose density comes with them.

    Args: those of `MAF`.

    >>> model = IAF(num_layers=2, units=(32,))
    >>> model.build((None, 5))
    >>> model.sample(3, seed=0).shape
    TensorShape([3, 5])
    """

    inverted = True
