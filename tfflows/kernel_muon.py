"""Muon for kernels, Adam for the rest."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import keras
import tensorflow as tf

KERNELS = "kernel", "direction"
HEADS = r"(^|[/_])head(_\d+)?/"  # with the number that Keras gives to the second one of a name
# Jordan et al. 2024: singular values from 0 to 1 go to about 1 in five steps.
NEWTON_SCHULZ = 3.4445, -4.7750, 2.0315
STEPS = 5
# Liu et al. 2025, section 2.2: updates are then as large as those of Adam usually are.
ROOT_MEAN_SQUARE = 0.2


@keras.saving.register_keras_serializable("tfflows")
class KernelMuon(keras.optimizers.Adam):
    """Muon (Jordan et al. 2024) for the kernels of networks, Adam for the rest.

    An update of Muon is the momentum, made orthogonal: all its singular values become about 1.
    `keras.optimizers.Muon` is for variables of two axes alone. Here the kernel of a convolution is
    a matrix too, from all that a filter sees to the filters, and so is that of a weight-normalized
    layer, its `direction`. Updates are scaled to the size of Adam's (Liu et al. 2025), so that one
    learning rate serves both. After as many steps a PixelCNN++ is ahead of one that Adam trains, by
    0.3 bits per dimension after 300; Glow gains nothing (`python -m benchmarks.optimizers`).

    Args:
      learning_rate: as in Keras; for PixelCNN++ 1e-2 is a good start.
      momentum: of kernels; Nesterov's.
      exclude: regular expressions; kernels are left to Adam where one is found in
        `/NETWORK/LAYER/kernel`, of the layer that has the kernel, and of the one around it. (What
        is around that has other names once a model has been loaded.) By default, layers whose name
        ends in "head", as that of the last ones of couplings and mixtures does; a MADE has none.
      product_dtype: of the products that orthogonalize; low precision does: "float32", or
        "bfloat16", faster where the processor has instructions for it.
      **kwargs: those of `keras.optimizers.Adam`.

    >>> model = PixelCNNPlusPlus(units=8, num_levels=1, kernel_size=1, num_components=2)
    >>> model.compile(KernelMuon(1e-2))
    >>> history = model.fit(np.random.randint(0, 256, [16, 8, 8, 1]), verbose=0)
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 0.001,
        momentum: float = 0.95,
        exclude: tuple[str, ...] = (HEADS,),
        product_dtype: str = "float32",
        **kwargs,
    ):
        super().__init__(learning_rate, **kwargs)
        if isinstance(exclude, str):
            raise ValueError(
                f"`exclude` should be a list of regular expressions. Received: exclude={exclude!r}."
            )
        self.momentum = momentum
        self.exclude = list(exclude)
        self.product_dtype = keras.backend.standardize_dtype(product_dtype)

    def build(self, var_list: Sequence[keras.Variable]) -> None:
        super().build(var_list)
        self._by_muon = [self.takes(variable) for variable in var_list]

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        index = self._get_variable_index(variable)
        if not self._by_muon[index]:
            super().update_step(gradient, variable, learning_rate)
            return
        momentum = self._momentums[index]
        self.assign(momentum, momentum * self.momentum + gradient)
        matrix = tf.reshape(gradient + momentum * self.momentum, [-1, variable.shape[-1]])
        update = orthogonal(tf.cast(matrix, self.product_dtype))
        size = ROOT_MEAN_SQUARE * math.sqrt(max(matrix.shape))
        update = tf.reshape(tf.cast(update, variable.dtype), variable.shape)
        self.assign_sub(variable, update * (size * tf.cast(learning_rate, variable.dtype)))

    def takes(self, variable: keras.Variable) -> bool:
        """Whether a variable is a kernel, for Muon to update."""
        path = variable.path
        if path.rsplit("/", 1)[-1] not in KERNELS or len(variable.shape) < 2:
            return False
        named = "/" + "/".join(path.split("/")[-3:])
        return not any(re.search(pattern, named) for pattern in self.exclude)

    def get_config(self) -> dict:
        return super().get_config() | {
            "momentum": self.momentum,
            "exclude": self.exclude,
            "product_dtype": self.product_dtype,
        }


def orthogonal(matrix: tf.Tensor) -> tf.Tensor:
    """A matrix with the singular vectors of this one, and singular values near 1."""
    rows, columns = matrix.shape
    x = tf.transpose(matrix) if rows > columns else matrix
    x = x / (tf.norm(x) + 1e-7)
    a, b, c = NEWTON_SCHULZ
    for _ in range(STEPS):
        square = tf.matmul(x, x, transpose_b=True)
        x = a * x + tf.matmul(b * square + c * tf.matmul(square, square), x)
    return tf.transpose(x) if rows > columns else x
