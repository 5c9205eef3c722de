"""The network of PixelCNN++."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from tfflows.adaptable import Adaptable
from tfflows.check_bounds import check_bounds, check_odd
from tfflows.networks.causal_block import CausalBlock
from tfflows.networks.causal_convolution import CausalConvolution, shift_down, shift_right
from tfflows.networks.causal_stream import CausalStream
from tfflows.networks.dropout_mask import check_rate
from tfflows.networks.pixel_contexts import pixel_contexts
from tfflows.networks.run import adapting, plain, recomputing
from tfflows.networks.weight_normalized_dense import WeightNormalizedDense


@keras.saving.register_keras_serializable("tfflows")
class PixelCNN(Adaptable, keras.layers.Layer):
    """Features of each pixel that depend on the pixels before it, in raster order, alone.

    Salimans et al. 2017: `[batch, h, w, c]` to `[batch, h, w, units]`. A stream of features goes
    down the rows and sees all that is above; a second one goes down and to the right, and sees the
    first and what is to the left. With `kernel_size=1` all that a pixel sees is what the first
    convolution sees, and there is one stream: a *local* model.

    What differs from the paper's code: inputs are shifted before the first convolutions, not what
    these give; the one to the left sees its own row alone; the features of the other stream and
    those of a skip connection go through a layer each, not one for both; and the size is doubled
    as `CausalStream` says.

    Args:
      units: channels.
      num_blocks: blocks at each resolution, before the lower ones and after.
      num_levels: resolutions, each half of the one before.
      kernel_size: odd; the blocks see as many columns, and half as many rows, rounded up.
      first_kernel_size: the same of the first convolution: with 2k + 1 it sees k rows above (the
        stream that goes down: one more), k columns to the left, and k to the right.
      dropout: share of features dropped in training, in each block: 0, or from 1/256 to 255/256.
      memory: None; or "recompute": activations are computed again in the backward pass. The same
        gradients with about half of the memory, in 1.1 to 1.2 times the time.
      **kwargs: those of `keras.layers.Layer`.

    Call: `(x, condition, pixels)`; of a local model `pixels`, `[batch, p]`, indices in raster
    order, are the pixels whose features are computed, `[batch, 1, p, units]`; None: all.

    >>> PixelCNN(8, num_levels=2)(np.ones([2, 8, 8, 3], "float32")).shape
    TensorShape([2, 8, 8, 8])
    """

    def __init__(
        self,
        units: int = 32,
        num_blocks: int = 1,
        num_levels: int = 1,
        kernel_size: int = 3,
        first_kernel_size: int = 3,
        dropout: float = 0.0,
        memory: str | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_bounds(1, units=units, num_blocks=num_blocks, num_levels=num_levels)
        check_rate(dropout=dropout)
        if memory not in (None, "recompute"):
            raise ValueError(
                f'`memory` should be None or "recompute". Received: memory={memory!r}.'
            )
        check_odd(1, kernel_size=kernel_size)
        check_odd(3, first_kernel_size=first_kernel_size)
        if kernel_size == 1 and num_levels > 1:
            raise ValueError(
                "`num_levels` should be 1 with `kernel_size=1`: there is nothing to be seen at "
                f"lower resolutions. Received: num_levels={num_levels}."
            )
        self.units = units
        self.num_blocks = num_blocks
        self.num_levels = num_levels
        self.kernel_size = kernel_size
        self.first_kernel_size = first_kernel_size
        self.dropout = dropout
        self.memory = memory
        policy, reach = self.dtype_policy, first_kernel_size // 2

        def first(name, rows, columns, stream):
            return CausalConvolution(units, (rows, columns), stream, name=name, dtype=policy)

        def stream(kind, columns, has_side):
            size = (kernel_size // 2 + 1, columns)
            options = {"dropout": dropout, "name": kind, "dtype": policy}
            return CausalStream(units, num_blocks, num_levels, size, kind, has_side, **options)

        self.first_down = self.down = None
        if not self.is_local:
            self.first_down = first("first_down", reach + 1, first_kernel_size, "down")
            self.down = stream("down", kernel_size, has_side=False)
        self.first_above = first("first_above", reach, first_kernel_size, "down")
        self.first_left = first("first_left", 1, reach, "down_right")
        self.down_right = stream("down_right", kernel_size // 2 + 1, has_side=not self.is_local)

    @property
    def is_local(self) -> bool:
        """Whether the first convolution sees all that there is to see."""
        return self.kernel_size == 1

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        with_ones = (*x_shape[:-1], x_shape[-1] + 1)
        features = (*x_shape[:-1], self.units)
        for layer in (self.first_down, self.first_above, self.first_left):
            if layer is not None:
                layer.build(with_ones)
        for layer in (self.down, self.down_right):
            if layer is not None:
                layer.build(features, condition_shape)
        self.add_adapted_flag()

    def call(
        self, x: tf.Tensor, condition: tf.Tensor | None = None, pixels: tf.Tensor | None = None
    ) -> tf.Tensor:
        return self.forward(x, condition, recomputing if self.memory else plain, pixels)

    def adapt(self, x: tf.Tensor, condition: tf.Tensor | None = None) -> tf.Tensor:
        """Data-dependent initialisation of all weight-normalized layers; gives the features."""
        features = self.forward(tf.cast(x, self.compute_dtype), condition, adapting)
        self.adapted_flag.assign(1)
        return features

    def forward(
        self,
        x: tf.Tensor,
        condition: tf.Tensor | None,
        run: Callable,
        pixels: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """`call`, with a way to `run` each layer."""
        if pixels is not None and not self.is_local:
            raise ValueError(
                "`pixels` is for local networks (`kernel_size=1`): others compute the features of "
                f"all pixels to have those of one. Received: kernel_size={self.kernel_size}."
            )
        x, sides = with_ones(x), None
        if self.down is not None:
            sides = self.down.forward(run(self.first_down, shift_down(x)), None, condition, run)
        if pixels is None:
            h = run(self.first_above, shift_down(x)) + run(self.first_left, shift_right(x))
        else:
            contexts = pixel_contexts(x, pixels, self.first_kernel_size // 2)
            h = self.first_of_contexts()(contexts)[:, tf.newaxis]
        return tf.nn.elu(self.down_right.forward(h, sides, condition, run)[-1])

    def first_of_contexts(self) -> Callable:
        """The first convolution as a product with contexts, those of `pixel_contexts`."""
        firsts = self.first_above, self.first_left
        kernel = tf.concat([tf.reshape(x.kernel, [-1, self.units]) for x in firsts], 0)
        bias = tf.add_n([tf.convert_to_tensor(x.bias) for x in firsts])

        def first(contexts):
            product = tf.tensordot(contexts, tf.cast(kernel, contexts.dtype), 1)
            return tf.nn.bias_add(product, tf.cast(bias, contexts.dtype))

        return first

    def kernels(self) -> dict:
        """The kernel of each weight-normalized layer, in float32."""
        layers = (x for x in self._flatten_layers() if isinstance(x, WeightNormalizedDense))
        return {x: tf.cast(x.kernel, "float32") for x in layers}

    def projections(self, condition: tf.Tensor | None) -> dict:
        """What the condition gives to each block, in float32."""
        blocks = (x for x in self._flatten_layers() if isinstance(x, CausalBlock))
        if condition is None:
            return dict.fromkeys(blocks)
        condition = tf.cast(condition, "float32")
        return {x: tf.matmul(condition, tf.cast(x.condition.kernel, "float32")) for x in blocks}

    def compute_output_shape(self, x_shape: tuple, condition_shape: tuple | None = None) -> tuple:
        return (*x_shape[:-1], self.units)

    def get_config(self) -> dict:
        names = ["units", "num_blocks", "num_levels", "kernel_size", "first_kernel_size", "dropout"]
        names.append("memory")
        return super().get_config() | {name: getattr(self, name) for name in names}


def with_ones(x: tf.Tensor) -> tf.Tensor:
    """With a channel of ones, by which the image differs from the zeros around it."""
    return tf.concat([x, tf.ones_like(x[..., :1])], -1)
