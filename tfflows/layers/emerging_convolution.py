"""An invertible convolution that sees all around."""

from __future__ import annotations

import keras

from tfflows.check_bounds import check_odd
from tfflows.layers.autoregressive_convolution import AutoregressiveConvolution
from tfflows.layers.chain import Chain
from tfflows.layers.invertible_linear import InvertibleLinear


@keras.saving.register_keras_serializable("tfflows")
class EmergingConvolution(Chain):
    """A 1x1 convolution, then two autoregressive ones, in raster order and in the reversed order.

    Hoogeboom et al. 2019, sections 3.1 and 3.2: of two triangular convolutions emerges one that
    sees the square of `kernel_size` around each pixel, as a plain convolution does. In Glow it
    takes the place of `InvertibleLinear`. `[batch, height, width, channels]` to the same shape;
    `log_det` is `height width` times that of the 1x1 and of the two diagonals.

    It starts as the 1x1 alone. The inverse is by substitution, in a `tf.while_loop` of
    `height + width - 1` steps for each of the two (see `AutoregressiveConvolution`); where kernels
    are large beside their diagonals what it rounds grows from step to step, and it is no inverse
    any more.

    Args:
      kernel_size: side of what a pixel sees, odd.
      parametrization, kernel_initializer, seed: of the 1x1, see `InvertibleLinear`.
      **kwargs: those of `Chain`.

    >>> layer = EmergingConvolution(3, seed=0)
    >>> z, log_det = layer(np.ones([2, 8, 8, 4], "float32"))
    >>> x, _ = layer.inverse_and_log_det(tf.identity(z))
    >>> bool(np.allclose(x, 1.0, atol=1e-4))
    True
    """

    def __init__(
        self,
        kernel_size: int = 3,
        parametrization: str = "plu",
        kernel_initializer: str | keras.initializers.Initializer = "orthogonal",
        seed: int | None = None,
        **kwargs,
    ):
        check_odd(1, kernel_size=kernel_size)
        dtype = kwargs.get("dtype")
        linear = InvertibleLinear(
            parametrization, kernel_initializer, seed, name="linear", dtype=dtype
        )
        # Squares of this side, one up and left of a pixel, one down and right, meet in it.
        side = (kernel_size + 1) // 2
        autoregressive = [
            AutoregressiveConvolution(side, order, name=order, dtype=dtype)
            for order in ("raster", "reversed")
        ]
        super().__init__([linear, *autoregressive], **kwargs)
        self.kernel_size = kernel_size
        self.parametrization = parametrization
        self.kernel_initializer = linear.kernel_initializer
        self.seed = seed

    def get_config(self) -> dict:
        config = super().get_config() | {
            "kernel_size": self.kernel_size,
            "parametrization": self.parametrization,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "seed": self.seed,
        }
        del config["layers"]
        return config
