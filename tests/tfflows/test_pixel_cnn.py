"""PixelCNN++: what sees what, and samplers that are exact."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.tfflows.jacobian import jacobian
from tests.tfflows.test_tfp import off_identity
from tfflows.models.random_pixels import random_pixels
from tfflows.networks import DropoutMask, WeightNormalizedDense
from tfflows.sampling import RasterSampler, WavefrontSampler

KINDS = {
    "deep": {"num_levels": 2},
    "wide": {"num_levels": 1, "kernel_size": 5, "first_kernel_size": 5},
    "local": {"num_levels": 1, "num_blocks": 2, "kernel_size": 1, "first_kernel_size": 5},
}
HEIGHT, WIDTH = SIZE = 5, 6
SMALL = {"units": 6, "num_blocks": 1, "num_components": 2, "num_classes": 3}


def pixel_cnn(kind, **kwargs):
    keras.utils.set_random_seed(0)
    model = tfflows.PixelCNNPlusPlus(**SMALL | KINDS[kind] | kwargs)
    model.build((None, *SIZE, 3))
    return off_identity(model, 0.1)


@functools.cache
def shared(kind):
    """A model that no test changes."""
    return pixel_cnn(kind)


def pixels(n=2, size=SIZE):
    return np.random.RandomState(0).randint(0, 256, (n, *size, 3)).astype("float32")


@pytest.mark.parametrize("kind", KINDS)
def test_no_number_depends_on_later_ones(kind):
    model, x, count = shared(kind), pixels(1), HEIGHT * WIDTH

    def numbers(x):
        return number_log_probs(model, x, model.encode_condition([1] * len(x)))

    def features(x):
        condition = model.encode_condition([1] * len(x))
        return tf.reduce_sum(model.network(x, condition=condition), -1)

    (of_numbers,) = np.array(jacobian(numbers, x, 3 * count))
    assert (np.triu(of_numbers, 1) == 0).all()
    of_features = np.abs(jacobian(features, x, count)).reshape(count, count, 3).max(-1)
    assert (np.triu(of_features) == 0).all() and (np.diag(of_features, -1)[WIDTH:] > 0).any()
    sees = np.reshape(of_numbers != 0, [HEIGHT, WIDTH, 3, HEIGHT, WIDTH, 3])
    green_of_centre = sees[3, 3, 1]
    assert green_of_centre[2, 1:6].all() and green_of_centre[3, 1:3].all()
    assert green_of_centre[3, 3].tolist() == [True, True, False]
    assert green_of_centre[0].any() == (kind != "local")


def number_log_probs(model, x, condition):
    """Log-probability of each number, given those before it: `[n, height, width, c]`.

    Of a pixel's numbers the distribution gives the sum; the part of the last one is what is left of
    it when the pixel is cut short.
    """
    mixture = mixture_of(model, x, condition)
    sums = [tf.zeros(x.shape[:3])]
    for c in range(1, 4):
        pairs = c * (c - 1) // 2
        first = mixture.copy(
            loc=mixture.loc[..., :c, :],
            log_scale=mixture.log_scale[..., :c, :],
            coefficients=mixture.coefficients[..., :pairs, :] if pairs else None,
        )
        sums.append(first.log_prob(x[..., :c]))
    return tf.stack([after - before for before, after in zip(sums, sums[1:])], -1)


def reference(model, n, condition, seed, temperature):
    """The same noise, one pass of the whole network for each pixel."""
    *size, channels = model.event_shape
    noise = tf.random.stateless_uniform([*size, n, 1 + channels], seed)
    x = np.zeros([n, *size, channels], "float32")

    @tf.function(autograph=False)
    def draw(x, noise):
        mixture = mixture_of(model, x, condition)
        if temperature != 1:
            mixture = mixture.copy(
                logits=mixture.logits / temperature,
                log_scale=mixture.log_scale + np.log(temperature),
            )
        return mixture.from_uniform(noise)

    noise = tf.transpose(noise, [2, 0, 1, 3])
    for r, c in np.ndindex(*size):
        x[:, r, c] = draw(x, noise)[:, r, c]
    return x


def mixture_of(model, x, condition):
    features = model.network(x / 127.5 - 1, condition=condition)
    return model.head.distribution(model.head(features))


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_those_of_a_pass_for_each_pixel(kind):
    model = shared(kind)
    x = model.sample(3, [0, 1, 2], 0.8, seed=(1, 2))
    expected = reference(model, 3, model.encode_condition([0, 1, 2]), (1, 2), 0.8)
    np.testing.assert_array_equal(x, expected)
    assert len(np.unique(x)) > 50


@pytest.mark.parametrize("kind", ["deep", "local"])
def test_samples_by_levels_are_those_of_a_pass_for_each_pixel(kind):
    model = pixel_cnn(kind, categorical_units=7)
    x = model.sample(3, [0, 1, 2], seed=(1, 2)).numpy()
    condition = model.encode_condition([0, 1, 2])
    np.testing.assert_array_equal(x, reference(model, 3, condition, (1, 2), 1.0))
    assert len(np.unique(x)) > 50
    shares = tf.sigmoid(mixture_of(model, x, condition).share_logit)
    assert 0.01 < tf.reduce_min(shares) and tf.reduce_max(shares) < 0.99


def test_samples_of_one_channel_are_those_of_a_pass_for_each_pixel():
    model = tfflows.PixelCNNPlusPlus(units=6, num_levels=3, num_components=2)
    model.build((None, *SIZE, 1))
    off_identity(model, 0.1)
    np.testing.assert_array_equal(
        model.sample(3, seed=(1, 2)), reference(model, 3, None, (1, 2), 1.0)
    )


@pytest.mark.parametrize(
    "size", [(1, 3), *[pytest.param(size, marks=pytest.mark.long) for size in [(2, 2), (3, 1)]]]
)
def test_samples_of_small_images_with_many_levels(size):
    model = tfflows.PixelCNNPlusPlus(4, num_levels=3, num_components=2, num_bits=8)
    model.build((None, *size, 1))
    off_identity(model, 0.1)
    expected = reference(model, 3, None, (1, 2), 1.0)
    np.testing.assert_array_equal(model.sample(3, seed=(1, 2)), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_matter(kind):
    model, x = shared(kind), pixels()
    assert (model.log_prob(x, [0, 1]) != model.log_prob(x, [2, 0])).numpy().all()
    seeds = [[1, 2]] * 3
    drawn = model.sample(3, [0, 1, 1], seed=seeds).numpy()
    np.testing.assert_array_equal(drawn[1], drawn[2])
    assert (drawn[0] != drawn[1]).any()


@pytest.mark.parametrize(
    "kind, sizes",
    [("wide", [(5, 6), (9, 12)]), ("local", [(5, 6), (9, 12)]), ("deep", [(4, 8), (8, 12)])],
)
def test_the_graph_of_a_sampler_does_not_grow_with_the_image(kind, sizes):
    model = shared(kind)  # made outside of graphs

    def nodes(height, width):
        noise, labels = tf.TensorSpec([height, width, None, 5]), tf.TensorSpec([None, 3])
        draw = tf.function(model._draw, autograph=False)
        graph = draw.get_concrete_function(noise, labels).graph.as_graph_def()
        return sum(len(f.node_def) for f in graph.library.function) + len(graph.node)

    assert nodes(*sizes[0]) == nodes(*sizes[1])


@pytest.mark.long
def test_samples_of_a_realistic_size_are_those_of_a_pass_for_each_pixel():
    keras.utils.set_random_seed(0)
    model = tfflows.PixelCNNPlusPlus(units=32, num_blocks=1, num_levels=2, num_components=5)
    model.build((None, 28, 28, 1))
    off_identity(model, 0.1)
    x = model.sample(4, seed=(1, 2))
    np.testing.assert_array_equal(x, reference(model, 4, None, (1, 2), 1.0))
    assert len(np.unique(x)) > 50


def test_a_wavefront_is_drawn_as_pixel_after_pixel():
    front = shared("local").sample(2, 1, seed=3, size=(7, 9))
    model = pixel_cnn("local")
    assert model.sampler is WavefrontSampler
    model.sampler = RasterSampler
    again = model.sample(2, 1, seed=3, size=(7, 9))
    np.testing.assert_array_equal(front, again)


@pytest.mark.parametrize("kind", ["deep", "local"])
def test_images_are_completed_from_their_upper_rows(kind):
    model = shared(kind)
    whole = model.sample(3, 1, seed=5).numpy()
    for rows in (0, 2, HEIGHT):
        np.testing.assert_array_equal(model.sample(3, 1, seed=5, prefix=whole[:, :rows]), whole)
    completed = model.sample(3, 1, seed=5, prefix=pixels(1)[0, :3]).numpy()
    np.testing.assert_array_equal(completed[:, :3], np.repeat(pixels(1)[:, :3], 3, 0))
    assert (completed[:, 3:] != whole[:, 3:]).any()
    with pytest.raises(ValueError, match="`prefix` should be up to 5 rows of 6 pixels"):
        model.sample(2, 1, prefix=pixels(1)[0, :, :5])
    for bad in (-1, 256, 0.5, np.nan):
        with pytest.raises(ValueError, match="`prefix` should hold integers from 0 to 255"):
            model.sample(2, 1, prefix=np.full([1, *SIZE[1:], 3], bad))


def test_low_temperatures_give_modes():
    model = shared("local")
    cold = [model.sample(2, 1, temperature=1e-3, seed=seed).numpy() for seed in (1, 2)]
    assert np.abs(cold[0][:, 0, 0] - cold[1][:, 0, 0]).max() <= 2


@pytest.mark.parametrize("kind", ["wide", "local"])
def test_images_of_any_size(kind):
    model, big = shared(kind), pixels(2, size=(8, 11))
    made_for_it = tfflows.PixelCNNPlusPlus(**SMALL | KINDS[kind])
    made_for_it.build((None, 8, 11, 3))
    made_for_it.set_weights(model.get_weights())
    expected = made_for_it.log_prob(big, [0, 1])
    np.testing.assert_allclose(model.log_prob(big, [0, 1]), expected, rtol=1e-6)
    bits = -expected / (np.log(2) * big[0].size)
    np.testing.assert_allclose(model.bits_per_dim(big, [0, 1]), bits, rtol=1e-6)


def test_adapt_standardizes_what_a_layer_gives():
    layer = WeightNormalizedDense(4)
    layer.build((None, 3))
    outputs = layer.adapt(5 + 3 * tf.random.stateless_normal([500, 3], [0, 1]), 0.1)
    np.testing.assert_allclose(tf.reduce_mean(outputs, 0), 0, atol=1e-5)
    np.testing.assert_allclose(tf.math.reduce_std(outputs, 0), 0.1, rtol=1e-4)


def test_dropout_is_for_training():
    model, x = pixel_cnn("deep", dropout=0.5), pixels()
    plain = model.log_prob(x, [0, 1]).numpy()
    np.testing.assert_array_equal(plain, model.log_prob(x, [0, 1]))
    np.testing.assert_array_equal(plain, model((x, np.int32([0, 1]))))
    dropped = [model((x, np.int32([0, 1])), training=True).numpy() for _ in range(2)]
    assert (dropped[0] != plain).all() and (dropped[0] != dropped[1]).all()


@pytest.mark.parametrize("kind", ["deep", "local"])
def test_samplers_do_not_drop(kind):
    class Drawn(keras.layers.Layer):
        def call(self, n, training=None):
            return model.sample(2, [0, 1], seed=1)

    model = pixel_cnn(kind, dropout=0.5)
    expected = model.sample(2, [0, 1], seed=1)
    np.testing.assert_array_equal(Drawn()(tf.zeros([]), training=True), expected)
    fresh = pixel_cnn(kind, dropout=0.5)  # whose sampler is traced in training
    fresh.set_weights(model.get_weights())
    model = fresh
    np.testing.assert_array_equal(Drawn()(tf.zeros([]), training=True), expected)


@pytest.mark.parametrize("kind", ["deep", "local"])
def test_gradients_are_the_same_with_less_memory(kind):
    gradients = []
    for memory in (None, "recompute"):
        model = pixel_cnn(kind, memory=memory, dropout=0.3)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model((pixels(), np.int32([0, 1])), training=True))
        gradients.append(tape.gradient(loss, [w.value for w in model.trainable_weights]))
    for plain, lean in zip(*gradients):
        np.testing.assert_allclose(lean, plain, atol=1e-4 * np.abs(plain).max() + 1e-6)


def test_dropout_keeps_the_mean():
    layer, ones = DropoutMask(0.3, 3, seed=1), tf.ones([9999, 7, 3], "bfloat16")
    y = layer.drop(ones, layer(ones, training=True))
    assert y.dtype == tf.bfloat16 and layer(ones) is None
    y = np.float32(y)
    assert abs(np.mean(y == 0) - 0.3) < 0.01 and abs(y.mean() - 1) < 0.01


def test_mixed_precision_trains_and_samples_in_float32():
    model = pixel_cnn("local", dropout=0.1, dtype="mixed_bfloat16")
    model.compile(keras.optimizers.Adam(1e-3, use_ema=True))
    model.fit(pixels(16), np.arange(16) % 3, batch_size=8, epochs=2, verbose=0)
    assert model.log_prob(pixels(), [0, 1]).dtype == tf.float32
    exact = pixel_cnn("local")
    exact.set_weights(model.get_weights())
    np.testing.assert_array_equal(model.sample(2, 1, seed=0), exact.sample(2, 1, seed=0))


@pytest.mark.parametrize("kind", ["deep", "local"])
def test_a_model_in_float64_draws_in_float32(kind):
    model = pixel_cnn(kind, dtype="float64")
    model.set_weights(shared(kind).get_weights())
    assert model.log_prob(pixels(), [0, 1]).dtype == tf.float64
    drawn = model.sample(3, [0, 1, 2], seed=0)
    assert drawn.dtype == tf.float32
    np.testing.assert_array_equal(drawn, shared(kind).sample(3, [0, 1, 2], seed=0))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_probabilities_are_in_float32_at_least(dtype):
    model = tfflows.PixelCNNPlusPlus(4, num_levels=1, num_bits=2, num_components=2, dtype=dtype)
    model.build((None, 1, 1, 1))
    log_prob = model.log_prob(np.arange(4).reshape(4, 1, 1, 1))
    assert log_prob.dtype == "float32"
    np.testing.assert_allclose(np.sum(np.exp(log_prob)), 1, rtol=1e-5)


def test_nan_gives_nan():
    x = pixels()
    x[0, -1, -1, -1] = np.nan
    log_prob = shared("local").log_prob(tf.constant(x), [0, 1])
    assert np.isnan(log_prob).tolist() == [True, False]


@pytest.mark.parametrize("some, rtol", [(HEIGHT * WIDTH, 1e-6), (7, 0.01)])
def test_some_pixels_give_the_mean_of_all(some, rtol):
    images = np.repeat(pixels(1), 500, 0), np.ones(500, "int32")
    expected = shared("local").log_prob(*(x[:1] for x in images)).numpy()
    model, again = (pixel_cnn("local", pixels_per_image=some, seed=3) for _ in range(2))
    first, second = (model(images, training=True).numpy() for _ in range(2))
    np.testing.assert_array_equal(again(images, training=True), first)
    np.testing.assert_array_equal(model(images)[:1], expected)
    np.testing.assert_allclose(np.mean([first, second], dtype="float64"), expected[0], rtol=rtol)
    if some == HEIGHT * WIDTH:
        np.testing.assert_allclose(first, expected[0], rtol=1e-6)
    else:
        assert (first != second).all() and len(np.unique(first)) > 400


def test_each_pixel_is_as_probable_as_any_other():
    chosen = random_pixels(2, 256**2, 40_000, [0, 1]).numpy()  # a product beyond int32
    assert chosen.min() >= 0 and chosen.max() > 65_000
    assert np.all(np.diff(chosen) >= 0)
    chosen = random_pixels(20_000, 30, 7, [0, 1])
    frequency = np.bincount(np.ravel(chosen), minlength=30) / 20_000
    np.testing.assert_allclose(frequency, 7 / 30, atol=0.015)


def test_gradients_of_some_pixels_are_those_of_their_sum():
    x, condition = tf.constant(pixels()), shared("local").encode_condition([0, 1])
    chosen, model = tf.constant([[0, 5, 29], [12, 13, 28]]), shared("local")
    weights = [w.value for w in model.trainable_weights]
    with tf.GradientTape(persistent=True) as tape:
        scaled = x / 127.5 - 1
        some = tf.reduce_sum(model.network(scaled, condition=condition, pixels=chosen) ** 2)
        features = tf.reshape(model.network(scaled, condition=condition), [2, -1, 6])
        whole = tf.reduce_sum(tf.gather(features, chosen, batch_dims=1) ** 2)
    np.testing.assert_allclose(some, whole, rtol=1e-5)
    for a, b in zip(tape.gradient(some, weights), tape.gradient(whole, weights)):
        if b is not None:
            np.testing.assert_allclose(a, b, atol=1e-5 * (np.abs(b).max() + 1))


def test_some_pixels_train_in_mixed_precision():
    options = {"dropout": 0.1, "dtype": "mixed_bfloat16", "memory": "recompute"}
    model = pixel_cnn("local", pixels_per_image=9, seed=1, **options)
    model.compile(keras.optimizers.Adam(3e-3))
    x, labels = pixels(64), np.arange(64) % 3
    before = model.evaluate(x, labels, verbose=0, return_dict=True)["nll"]
    model.fit(x, labels, batch_size=16, epochs=5, verbose=0)
    after = model.evaluate(x, labels, verbose=0, return_dict=True)["nll"]
    assert after < before - 5
    np.testing.assert_allclose(after, -np.mean(model.log_prob(x, labels)), rtol=1e-3)


@pytest.mark.parametrize(
    "bad, match",
    [
        ({"pixels_per_image": 3}, "`pixels_per_image` is for local models"),
        ({"pixels_per_image": 0}, "`pixels_per_image` should be None or an int, 1 or more"),
        ({"pixels_per_image": 4.0}, "`pixels_per_image` should be None or an int, 1 or more"),
        ({"num_levels": 2, "kernel_size": 1}, "`num_levels` should be 1"),
        ({"num_levels": 0}, "`num_levels` should be at least 1"),
        ({"num_components": 0}, "`num_components` should be at least 1"),
        ({"categorical_units": 0}, "`categorical_units` should be at least 1"),
        ({"first_kernel_size": 2}, "should be odd, 3 or more"),
        ({"dropout": 1.5}, "`dropout` should be 0, or"),
        ({"dropout": np.nan}, "`dropout` should be 0, or"),
        ({"dropout": None}, "`dropout` should be 0, or"),
    ],
)
def test_bad_arguments_are_refused(bad, match):
    with pytest.raises(ValueError, match=match):
        tfflows.PixelCNNPlusPlus(**bad)


@pytest.mark.parametrize("size", [4, (4,), (4, 4, 3), (4, 0), (4, 2.5), ()])
def test_a_bad_size_is_refused(size):
    with pytest.raises(ValueError, match="`size` should be None or two ints"):
        shared("local").sample(1, 0, size=size)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"conditions of shape \[batch, C\]. Received: .* 5, 6, 2"):
        tfflows.PixelCNNPlusPlus(4).build((None, 5, 6, 1), (None, 5, 6, 2))
    model, prefix = shared("local"), np.zeros([1, *SIZE[1:], 3])
    with pytest.raises(ValueError, match="`prefix`, it and `n` should be known"):
        tf.function(lambda n: model.sample(n, 0, prefix=prefix))(tf.constant(2))
    with pytest.raises(ValueError, match="is not built"):
        tfflows.PixelCNNPlusPlus().sample(1)
    with pytest.raises(ValueError, match="`pixels_per_image` should be at most 30"):
        pixel_cnn("local", pixels_per_image=31)
    with pytest.raises(ValueError, match="expected images"):
        tfflows.PixelCNNPlusPlus().build((None, 7))
    with pytest.raises(ValueError, match="should be local"):
        WavefrontSampler(shared("deep").network, None, None)
