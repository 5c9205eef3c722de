"""Memory for time, as far as inverses go."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from tfflows.memory.in_this_call import in_this_call
from tfflows.memory.step import Step, run

TOLERANCE = 1e-3
"""How far off a rebuilt example may be, relative to its norm or, if more, the batch's (rms)."""


def reversible(
    steps: Sequence[Step], value: tf.Tensor, condition: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """As `run`; the backward pass rebuilds the input of each step from its output.

    Gomez et al. 2017, "The reversible residual network", algorithm 1, for any bijector. Kept are
    the ends: the output, to start from, and the input, to see how well it was rebuilt. Gradients
    are those of `run` up to the rounding that the inverses add up to. If that is more than
    `TOLERANCE` in any example, evaluating any of the gradients raises an InvalidArgumentError.

    >>> double = Step(lambda x: (2 * x, tf.math.log([2.0, 2.0])), lambda z: (z / 2, None))
    >>> float(reversible([double, double], tf.ones([2, 1]))[0][0, 0])
    4.0
    """

    steps = [
        Step(in_this_call(step.apply), in_this_call(step.undo), step.uses_condition)
        for step in steps
    ]

    @tf.custom_gradient
    def run_forgetting(*given):
        value, log_det = run(steps, *given)

        def gradient(d_value, d_log_det, variables=()):
            d_given, d_variables = _backward(steps, value, given, d_value, d_log_det, variables)
            return (d_given, d_variables) if variables else d_given

        return (value, log_det), gradient

    return run_forgetting(*([value] if condition is None else [value, condition]))


def _backward(steps, value, given, d_value, d_log_det, variables):
    """Gradients for what was `given`, a value and perhaps a condition, and for the variables."""
    start, condition = given[0], given[1] if len(given) > 1 else None
    totals, is_finite = {}, _are_finite(value)
    for step in reversed(steps):
        # Wait for the gradient: else all values would be rebuilt at once, and be there at once.
        with tf.control_dependencies([d_value]):
            value = tf.identity(value)
        value = tf.stop_gradient(step.undo(*step.arguments(value, condition))[0])
        arguments = step.arguments(value, condition)
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            outputs = step.apply(*arguments)
        sources = [*arguments, *tape.watched_variables()]
        d_value, *gradients = tape.gradient(outputs, sources, [d_value, d_log_det])
        for source, gradient in zip(sources[1:], gradients):
            if gradient is not None:
                before = totals.get(source.ref())
                totals[source.ref()] = gradient if before is None else before + gradient
    gradients = [d_value, *(totals.get(source.ref()) for source in (*given[1:], *variables))]
    with tf.control_dependencies(_checks(value, start, is_finite)):
        gradients = [None if g is None else _once(g) for g in gradients]
    return gradients[: len(given)], gradients[len(given) :]


@tf.custom_gradient
def _once(gradient):
    """A gradient that has none: it was taken at a value that does not depend on its input."""

    def refuse(_):
        raise NotImplementedError(
            "A chain with memory='reversible' has first derivatives only. For others set "
            "memory=None."
        )

    return tf.identity(gradient), refuse


def _checks(rebuilt, start, is_finite):
    """Of examples whose output is not finite there is nothing to rebuild: their loss tells."""
    norm = _norms(start)
    typical = tf.sqrt(tf.reduce_mean(tf.square(norm)))
    errors = tf.math.divide_no_nan(_norms(rebuilt - start), tf.maximum(norm, typical))
    errors = tf.where(is_finite, errors, 0.0)
    message = (
        "A chain with memory='reversible' could not rebuild its input from its output: the "
        "relative error of an example (x) is beyond the tolerance (y), and gradients would be "
        "wrong. Use memory='recompute', or scales with narrower bounds; networks in float32, if "
        "they were not."
    )
    check = tf.debugging.assert_less(errors, tf.cast(TOLERANCE, errors.dtype), message)
    return [] if check is None else [check]  # None in eager mode, where it has been made


def _norms(value):
    return tf.norm(_flat(value), axis=1)


def _are_finite(value):
    return tf.reduce_all(tf.math.is_finite(_flat(value)), 1)


def _flat(value):
    return tf.reshape(value, [tf.shape(value)[0], -1])
