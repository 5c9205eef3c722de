"""From features to a mixture of a categorical and of logistics."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfflows.check_bounds import check_bounds
from tfflows.distributions.categorical_logistic_mixture import CategoricalLogisticMixture
from tfflows.distributions.discretized_logistic_head import DiscretizedLogisticHead
from tfflows.flow_dtype import flow_dtype

FIRST_SHARE_LOGIT = -3.0
"""Little, so that what logistics alone have learnt is a good beginning."""


@keras.saving.register_keras_serializable("tfflows")
class CategoricalLogisticHead(DiscretizedLogisticHead):
    """A `DiscretizedLogisticHead` whose distribution gives each integer a probability of its own.

    `head.distribution(parameters)` is a `CategoricalLogisticMixture`. The logits of its integers,
    and the share that they have, come from the features by a hidden layer. It has all the weights
    of a `DiscretizedLogisticHead`, by the same names.

    Args:
      num_channels, num_components, low, high, min_log_scale: those of `DiscretizedLogisticHead`.
      hidden_units: of the hidden layer.
      **kwargs: those of `keras.layers.Layer`.

    >>> head = CategoricalLogisticHead(num_components=3, high=20, hidden_units=8, name="grey_head")
    >>> parameters = head(np.ones([5, 4]))
    >>> head.distribution(parameters).sample(seed=1).shape
    TensorShape([5, 1])
    """

    def __init__(
        self,
        num_channels: int = 1,
        num_components: int = 10,
        low: int = 0,
        high: int = 255,
        min_log_scale: float | None = None,
        hidden_units: int = 128,
        **kwargs,
    ):
        super().__init__(num_channels, num_components, low, high, min_log_scale, **kwargs)
        check_bounds(1, hidden_units=hidden_units)
        self.hidden_units = int(hidden_units)
        self.hidden = keras.layers.Dense(
            self.hidden_units, "gelu", name="hidden", dtype=flow_dtype(self)
        )
        self.levels = keras.layers.Dense(
            1 + num_channels * self.num_values,
            kernel_initializer=keras.initializers.VarianceScaling(0.01),
            bias_initializer=_first_bias,
            name="levels",
            dtype=flow_dtype(self),
        )

    @property
    def num_values(self) -> int:
        return self.high - self.low + 1

    @property
    def num_parameters(self) -> int:
        return self._num_logistic_parameters + 1 + self.num_channels * self.num_values

    def build(self, features_shape: tuple) -> None:
        super().build(features_shape)
        self.hidden.build(features_shape)
        self.levels.build((*features_shape[:-1], self.hidden_units))

    def _parameters(self, features):
        return tf.concat([super()._parameters(features), self.levels(self.hidden(features))], -1)

    def _adapt(self, y):
        """The logits of integers are those of their frequencies, each counted once too often."""
        super()._adapt(y)
        columns = (y.numpy().T - self.low).astype(int)
        counts = np.stack([np.bincount(x, minlength=self.num_values) for x in columns])
        logits = np.log((counts + 1) / (len(y) + self.num_values))
        self.levels.bias.assign(np.append(FIRST_SHARE_LOGIT, logits))

    def _distribution(self, parameters):
        count = self._num_logistic_parameters
        logistics = self._logistics(parameters[..., :count])
        share_logit, levels = parameters[..., count], parameters[..., count + 1 :]
        each = [self.num_channels, self.num_values]
        levels = tf.reshape(levels, tf.concat([tf.shape(share_logit), each], 0))
        levels = tf.ensure_shape(levels, (*share_logit.shape, *each))
        return CategoricalLogisticMixture(logistics, share_logit, levels)

    def get_config(self) -> dict:
        return super().get_config() | {"hidden_units": self.hidden_units}


def _first_bias(shape, dtype=None):
    return keras.ops.cast(np.eye(1, *shape)[0] * FIRST_SHARE_LOGIT, dtype)
