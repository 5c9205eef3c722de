"""A kernel as one of a convolution that sees more; the rest is tested with the network."""

import keras
import numpy as np
import pytest

from tfflows.networks import CausalConvolution


def convolution(kernel_size, stream):
    layer = CausalConvolution(4, kernel_size, stream)
    layer.build((None, 6, 7, 2))
    return layer


@pytest.mark.parametrize(
    ("stream", "small", "large"),
    [("down", (2, 3), (4, 7)), ("down", (2, 3), (2, 5)), ("down_right", (1, 2), (3, 5))],
)
def test_an_extended_kernel_gives_the_same_outputs(stream, small, large):
    keras.utils.set_random_seed(0)
    one, other = convolution(small, stream), convolution(large, stream)
    x = np.random.RandomState(0).normal(size=(3, 6, 7, 2)).astype("float32")
    assert not np.allclose(one(x), other(x), atol=0.1)
    other.direction.assign(other.extend(one.direction))
    other.gain.assign(one.gain)
    np.testing.assert_allclose(one(x), other(x), atol=1e-5)


@pytest.mark.parametrize(
    ("size", "seen"), [((4, 7), True), ((1, 3), True), ((5, 3), False), ((2, 9), False)]
)
def test_which_kernels_it_sees_all_of(size, seen):
    assert convolution((4, 7), "down").sees_all_of(np.zeros([*size, 2, 4])) == seen
