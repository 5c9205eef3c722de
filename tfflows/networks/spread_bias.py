"""Where the biases of plain layers begin."""

from __future__ import annotations

import keras


def spread_bias(num_inputs: int) -> keras.initializers.Initializer:
    """Uniform between `-1 / sqrt(num_inputs)` and that: of the hidden layers for vectors.

    With biases of zero, all rectifiers of a first layer have their kink at the mean of the data,
    from which, where dimensions are few, training is long in moving them.

    Args:
      num_inputs: of the layer.
    """
    bound = max(num_inputs, 1) ** -0.5
    return keras.initializers.RandomUniform(-bound, bound)


def spread_biases(layers: list[keras.layers.Layer], input_shape: tuple) -> None:
    """Has plain layers, one after another and not yet built, begin with spread biases.

    Those of weight-normalized layers begin at zero, as in the paper.
    """
    for layer in layers:
        if isinstance(layer, keras.layers.Dense):
            layer.bias_initializer = spread_bias(input_shape[-1])
        input_shape = layer.compute_output_shape(input_shape)
