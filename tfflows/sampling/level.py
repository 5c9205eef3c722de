"""The two streams of a PixelCNN at one resolution, row by row and pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfflows.networks.causal_convolution import CausalConvolution
from tfflows.networks.causal_stream import CausalStream
from tfflows.networks.concat_elu import concat_elu
from tfflows.networks.run import identity


class Level:
    """What a `RasterSampler` does at one resolution, and, by the `lower` one, at those below.

    States are nested lists of tensors. Of rows: for each convolution of the stream down the rows of
    its input above; the same of the stream down and right, in one tensor; of the lower resolution
    the features that come of it, which two rows share. Of pixels: the inputs of all convolutions to
    the left; those of the row so far; the lower resolution's.

    Args:
      down, down_right: the streams; `down` may be None.
      kernels: of each weight-normalized layer.
      conditions: what the condition gives to each block, or None.
      width: columns of this resolution.
      n: how many images.
    """

    def __init__(
        self,
        down: CausalStream | None,
        down_right: CausalStream,
        kernels: dict,
        conditions: dict,
        width: int,
        n: int | tf.Tensor,
    ):
        self.down, self.down_right = down, down_right
        self.kernels, self.conditions = kernels, conditions
        self.width, self.n = width, n
        self.down_layers = [] if down is None else _convolutions(down)
        self.layers = _convolutions(down_right)
        self.channels = [layer.direction.shape[2] for layer in self.layers]
        self.rows, self.columns = self.layers[0].kernel_size
        self.lower = None
        if down_right.lower is not None:
            lower = down.lower, down_right.lower
            self.lower = Level(*lower, kernels, conditions, -(-width // 2), n)

    # -- rows -----------------------------------------------------------------------------------

    def row_state(self) -> list:
        """Before the first row."""

        def above(channels):
            return tf.zeros([self.n, self.rows - 1, self.width, channels])

        state = [[above(layer.direction.shape[2]) for layer in self.down_layers]]
        state.append(above(sum(self.channels)))
        if self.lower is not None:
            grown = tf.zeros([self.n, self.lower.width, 4 * self.down_right.units])
            state += [grown, tf.transpose(grown, [1, 0, 2]), self.lower.row_state()]
        return state

    def start_row(
        self, r: int | tf.Tensor, h: tf.Tensor | None, term: tf.Tensor, state: list
    ) -> tuple:
        """The stream down, and all that is known of the other one before the row's first pixel.

        Args:
          r: the row.
          h: what goes into the stream down, `[n, width, units]`, or None.
          term: the part of what goes into the other one that comes from the rows above.
          state: as the row before left it.

        Returns:
          What comes out of the stream down; the state; and the terms, `[width, n, channels]`, of
          this resolution, then of the lower ones.
        """
        above, packed, *low = state
        above, low_terms, sides = list(above), [], []

        def run(layer, inputs, before=identity):
            inputs = before(inputs)
            if not isinstance(layer, CausalConvolution):
                return self._dense(layer, inputs)
            i = self.down_layers.index(layer)
            y, above[i] = layer.step_row(above[i], inputs, self.kernels[layer])
            return y

        def step(block, h, skip):
            condition = self.conditions[block]
            sides.append(block.forward(h, None, skip, condition, run, drops=False))
            return sides[-1]

        def lower(h):
            low[0], low[2], low_terms[:] = self._start_lower(
                r, run(self.down.shrink, h), packed, low
            )
            grown = tf.reshape(low[0], [self.n, self.lower.width, 2, 2, self.down.units])
            grown = tf.gather(grown, r % 2, axis=2)
            rows = [self.n, 2 * self.lower.width, self.down.units]
            return tf.reshape(grown, rows)[:, : self.width]

        if self.down is not None:
            h = self.down.walk(h, step, lower)
        return h, [above, packed, *low], [self._terms(term, sides, packed), *low_terms]

    def _start_lower(self, r, h, packed, low):
        """What two rows share: made with the first of them."""

        def fresh():
            layer = self.down_right.shrink
            above = tf.split(packed, self.channels, -1)[self.layers.index(layer)]
            term = layer.row_term(above, self.kernels[layer])
            y, state, terms = self.lower.start_row(r // 2, h, term, low[2])
            return self._dense(self.down.grow, y), state, terms

        def kept():
            return low[0], low[2], self.lower.no_terms()

        return tf.cond(r % 2 == 0, fresh, kept)

    def no_terms(self) -> list:
        """For a row that none is needed for."""
        own = tf.zeros([self.width, self.n, sum(self._term_sizes())])
        return [own] if self.lower is None else [own, *self.lower.no_terms()]

    def _terms(self, term, sides, packed):
        above = iter(tf.split(packed, self.channels, -1))
        terms = [term]

        def step(block, h, skip):
            first = block.first.row_term(next(above), self.kernels[block.first])
            if block.side is not None:
                first += self._dense(block.side, concat_elu(sides[len(terms) // 2]))
            if block.skip is not None:
                first = block.skip.add_bias(first)
            second = block.second.row_term(next(above), self.kernels[block.second])
            if self.conditions[block] is not None:
                second += self.conditions[block][:, tf.newaxis]
            terms.extend([first, second])

        self.down_right.walk(None, step, lambda h: next(above))
        return tf.transpose(tf.concat(terms, -1), [1, 0, 2])

    def _term_sizes(self):
        units = self.down_right.units
        return [units, *[units, 2 * units] * len(self.down_right.blocks)]

    def _dense(self, layer, inputs):
        return layer.add_bias(tf.tensordot(inputs, self.kernels[layer], 1))

    def end_row(self, r: int | tf.Tensor, state: list, pixel_state: list) -> list:
        """The state of rows for the next one."""
        above, packed, *low = state
        _, record, *low_pixels = pixel_state
        row = tf.transpose(record.stack(), [1, 0, 2])
        state = [above, tf.concat([packed, row[:, tf.newaxis]], 1)[:, 1:]]
        if self.lower is not None:
            grown, lower_state = low_pixels
            lower = tf.cond(
                r % 2 == 0,
                lambda: self.lower.end_row(r // 2, low[2], lower_state),
                lambda: low[2],
            )
            state += [low[0], grown.stack(), lower]
        return state

    # -- pixels -----------------------------------------------------------------------------------

    def pixel_state(self, state: list) -> list:
        """Before the first pixel of a row, from the state of rows."""
        _, _, *low = state
        total = sum(self.channels)
        record = tf.TensorArray(tf.float32, self.width, element_shape=[None, total])
        left = [tf.zeros([self.n, total])] * (self.columns - 1)
        if self.lower is None:
            return [left, record]
        size = 4 * self.down_right.units
        grown = tf.TensorArray(
            tf.float32, self.lower.width, element_shape=[None, size], clear_after_read=False
        )
        return [left, record, grown.unstack(low[1]), self.lower.pixel_state(low[2])]

    def step_pixel(
        self, r: int | tf.Tensor, c: int | tf.Tensor, feed: Callable, terms: list, state: list
    ) -> tuple:
        """The features of pixel (r, c), `[n, units]`.

        Args:
          r, c: row and column.
          feed: gives what goes into the stream, from the part of it that comes from the rows above.
          terms: those of the row.
          state: as the pixel before left it.

        Returns:
          The features and the state.
        """
        left, record, *low = state
        own, *low_terms = terms
        parts = iter(tf.split(own[c], self._term_sizes(), -1))
        lefts = [tf.split(inputs, self.channels, -1) for inputs in left]
        inputs = []

        def window(value):
            inputs.append(value)
            return [*(values[len(inputs) - 1] for values in lefts), value]

        def run(layer, value, before):
            value = before(value)
            if not isinstance(layer, CausalConvolution):
                return value @ self.kernels[layer]  # its bias is in the term
            return layer.step_pixel(window(value), next(parts), self.kernels[layer])

        def step(block, h, skip):
            return block.forward(h, None, skip, None, run, drops=False)

        def lower(h):
            low[:] = self._step_lower(r, c, window(h), low_terms, low)
            grown = tf.reshape(low[0].read(c // 2), [self.n, 4, self.down_right.units])
            return tf.gather(grown, r % 2 * 2 + c % 2, axis=1)

        h = self.down_right.walk(feed(next(parts)), step, lower)
        packed = tf.concat(inputs, -1)
        return h, [[*left, packed][1:], record.write(c, packed), *low]

    def _step_lower(self, r, c, window, terms, low):
        """What four pixels share: made with the first of them."""
        layer, grow = self.down_right.shrink, self.down_right.grow

        def fresh():
            def feed(term):
                return layer.step_pixel(window, term, self.kernels[layer])

            h, state = self.lower.step_pixel(r // 2, c // 2, feed, terms, low[1])
            return [low[0].write(c // 2, self._dense(grow, h)), state]

        return tf.cond((r % 2 == 0) & (c % 2 == 0), fresh, lambda: low)


def _convolutions(stream):
    """Of this resolution, in the order in which they run; with that to the lower one."""
    layers = []

    def step(block, h, skip):
        layers.extend([block.first, block.second])

    stream.walk(None, step, lambda h: layers.append(stream.shrink))
    return layers
