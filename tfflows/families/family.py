"""Scalar transforms whose parameters a network gives."""

from __future__ import annotations

import tensorflow as tf
from tensorflow_probability import bijectors as tfb


class Family:
    """A scalar bijector for each element of a tensor, with parameters given for each element.

    Couplings and autoregressive layers share the families. A subclass says how many parameters a
    scalar needs and makes the bijector; with all parameters zero it must be the identity, or near
    it, so that every flow starts there.

    >>> class Scale(Family):
    ...     num_parameters = 1
    ...
    ...     def bijector(self, parameters):
    ...         return tfb.Scale(log_scale=parameters[..., 0])
    >>> x, log_det = Scale().inverse_and_log_det(tf.ones([2]), tf.constant([[0.0], [2.0]]))
    >>> round(float(x[1]), 2), log_det.numpy().tolist()
    (7.39, [0.0, 2.0])
    """

    num_parameters: int

    def bijector(self, parameters: tf.Tensor) -> tfb.Bijector:
        """The scalar bijector, `forward` from latent to data.

        Args:
          parameters: unconstrained, `[..., num_parameters]`.

        Returns:
          A `tfb.Bijector` that acts on tensors `[...]`.
        """
        raise NotImplementedError

    def forward_and_log_det(
        self, x: tf.Tensor, parameters: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """`(z, log|dz/dx|)` for each element of `x`; both have the shape of `x`."""
        bijector = self.bijector(parameters)
        return bijector.inverse(x), bijector.inverse_log_det_jacobian(x, event_ndims=0)

    def inverse_and_log_det(
        self, z: tf.Tensor, parameters: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """`(x, log|dx/dz|)` for each element of `z`; both have the shape of `z`."""
        bijector = self.bijector(parameters)
        return bijector.forward(z), bijector.forward_log_det_jacobian(z, event_ndims=0)

    def get_config(self) -> dict:
        return {}

    @classmethod
    def from_config(cls, config: dict) -> Family:
        return cls(**config)
