"""A stream of PixelCNN++."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from tfflows.networks.causal_block import CausalBlock
from tfflows.networks.causal_convolution import CausalConvolution
from tfflows.networks.run import plain
from tfflows.networks.weight_normalized_dense import WeightNormalizedDense


@keras.saving.register_keras_serializable("tfflows")
class CausalStream(keras.layers.Layer):
    """Causal blocks at one resolution, those at the lower ones between, with skip connections.

    Salimans et al. 2017, figure 2: blocks; a convolution of stride 2; the stream of the lower
    resolution; its features at twice the size; and blocks that see the features before each of the
    first ones. In the size's doubling a pixel becomes four by a 1x1 convolution, where the paper
    has a transposed convolution: then each sees one pixel of the lower resolution.

    Args:
      units: channels.
      num_blocks: blocks before the lower resolution, and after it (and there one more).
      num_levels: resolutions.
      kernel_size, stream, has_side, dropout: those of `CausalBlock`.
      **kwargs: those of `keras.layers.Layer`.

    Call: `(x [batch, h, w, units], sides, condition)`, to the list of the outputs of all blocks in
    the order in which they run; `sides` is such a list, of the other stream, or None.

    >>> outputs = CausalStream(4, num_blocks=1, num_levels=2)(np.ones([2, 8, 8, 4], "float32"))
    >>> [h.shape[1] for h in outputs]
    [8, 4, 4, 8, 8]
    """

    def __init__(
        self,
        units: int,
        num_blocks: int = 1,
        num_levels: int = 1,
        kernel_size: tuple[int, int] = (2, 3),
        stream: str = "down",
        has_side: bool = False,
        dropout: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = units
        self.num_blocks = num_blocks
        self.num_levels = num_levels
        self.kernel_size = tuple(kernel_size)
        self.stream = stream
        self.has_side = has_side
        self.dropout = dropout
        policy = self.dtype_policy
        is_last = num_levels == 1

        def blocks(name, count, has_skip):
            return [
                CausalBlock(
                    units, kernel_size, stream, has_side, has_skip, dropout,
                    name=f"{name}_{i}", dtype=policy,
                )
                for i in range(count)
            ]  # fmt: skip

        self.before = blocks("before", num_blocks, False)
        self.after = blocks("after", num_blocks if is_last else num_blocks + 1, True)
        self.shrink = self.lower = self.grow = None
        if not is_last:
            self.shrink = CausalConvolution(
                units, kernel_size, stream, strides=2, name="shrink", dtype=policy
            )
            self.lower = CausalStream(
                units, num_blocks, num_levels - 1, kernel_size, stream, has_side, dropout,
                name="lower", dtype=policy,
            )  # fmt: skip
            self.grow = WeightNormalizedDense(4 * units, name="grow", dtype=policy)

    @property
    def blocks(self) -> list:
        """Those of this resolution."""
        return [*self.before, *self.after]

    def build(self, x_shape: tuple, condition_shape: tuple | None = None) -> None:
        for block in self.blocks:
            block.build(x_shape, condition_shape)
        if self.lower is not None:
            self.shrink.build(x_shape)
            lower_shape = self.shrink.compute_output_shape(x_shape)
            self.lower.build(lower_shape, condition_shape)
            self.grow.build(lower_shape)

    def call(
        self, x: tf.Tensor, sides: list | None = None, condition: tf.Tensor | None = None
    ) -> list:
        return self.forward(x, sides, condition, plain)

    def forward(
        self, x: tf.Tensor, sides: list | None, condition: tf.Tensor | None, run: Callable
    ) -> list:
        """`call`, with a way to `run` each layer."""
        outputs = []

        def step(block, h, skip):
            side = None if sides is None else sides[len(outputs)]
            outputs.append(block.forward(h, side, skip, block.project(condition), run))
            return outputs[-1]

        def lower(h):
            rest = None if sides is None else sides[len(outputs) :]
            outputs.extend(self.lower.forward(run(self.shrink, h), rest, condition, run))
            size = tf.shape(h)
            return tf.nn.depth_to_space(run(self.grow, outputs[-1]), 2)[:, : size[1], : size[2]]

        self.walk(x, step, lower)
        return outputs

    def walk(self, h: tf.Tensor | None, step: Callable, lower: Callable) -> tf.Tensor | None:
        """The order of things: `step(block, h, skip)` and `lower(h)` do them."""
        skips = [h]
        for block in self.before:
            h = step(block, h, None)
            skips.append(h)
        h = skips.pop() if self.lower is None else lower(h)
        for block in self.after:
            h = step(block, h, skips.pop())
        return h

    def get_config(self) -> dict:
        names = ["units", "num_blocks", "num_levels", "kernel_size", "stream", "has_side"]
        return super().get_config() | {n: getattr(self, n) for n in [*names, "dropout"]}
