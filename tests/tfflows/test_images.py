"""What the flows for images must do, beyond the tables."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tfflows.dequantization import UniformDequantization, VariationalDequantization
from tfflows.families import Affine, MixtureOfLogistics
from tfflows.layers import Coupling, Logit, MultiScale, Rescale, Squeeze
from tfflows.networks import MLP, ConvNet, GatedAttention, GatedSelfAttention, ResidualConvNet


def noisy(model, scale=0.05):
    """The model with its weights moved away from the identity."""
    for seed, weight in enumerate(model.trainable_weights):
        weight.assign_add(scale * np.random.RandomState(seed).normal(size=weight.shape))
    return model


def glow(**kwargs):
    model = tfflows.Glow(num_levels=2, num_steps=2, units=8, seed=1, **kwargs)
    model.build((None, 8, 8, 3))
    return noisy(model)


def assert_networks_alone_are_in(model, dtype):
    couplings = [x for x in model._flatten_layers() if isinstance(x, Coupling)]
    found = {(x.network.compute_dtype, x.head.compute_dtype) for x in couplings}
    assert found == {(dtype, "float32")}


def pixels(n=8, shape=(8, 8, 3)):
    return np.random.RandomState(0).randint(0, 256, (n, *shape)).astype("uint8")


@pytest.mark.parametrize("alpha", [None, 0.05])
def test_pixels_of_eight_bits_come_back(alpha):
    model, x = glow(alpha=alpha), pixels().astype("float32")
    z = model.encode(x)
    assert z.shape == (8, 192) and float(tf.math.reduce_std(z)) > 0.1
    np.testing.assert_allclose(model.decode(tf.identity(z)) / 256, x / 256, atol=1e-4)
    assert float(tf.reduce_mean(model.bits_per_dim(x))) < 20  # of pixels, not of their rescaling


def test_parts_of_the_latent_can_be_kept():
    model = glow()
    z = model.encode(pixels())
    fine, coarse = model.split_latent(z)
    assert fine.shape == (8, 4, 4, 6) and coarse.shape == (8, 2, 2, 24)
    np.testing.assert_array_equal(model.join_latent([fine, coarse]), z)
    new = model.join_latent([tf.random.stateless_normal(fine.shape, [0, 1]), coarse])
    again = model.split_latent(model.encode(model.decode(new)))
    np.testing.assert_allclose(again[1], coarse, atol=1e-3)
    assert np.abs(again[0] - fine).max() > 0.1


@pytest.mark.parametrize("kept", [[0], [1], [0, 1]], ids=str)
def test_samples_share_the_parts_that_are_kept(kept):
    # Reals, which a latent can be read off from exactly.
    model = glow(dequantization=None)
    z = model.encode(pixels())
    x = model.resample(z, kept, temperature=0.7, seed=3)
    drawn = model.base.sample(8, 0.7, model.stateless_seed(3))
    parts = zip(model.split_latent(model.encode(x)), *map(model.split_latent, (z, drawn)))
    for i, (found, old, new) in enumerate(parts):
        np.testing.assert_allclose(found, old if i in kept else new, atol=1e-3)


def test_resampled_images_are_of_pixels_and_of_the_seed():
    model = glow()
    z = model.encode(pixels())
    x = model.resample(z, [1], seed=1).numpy()
    assert x.min() >= 0 and x.max() <= 255 and (x == np.floor(x)).all()
    np.testing.assert_array_equal(x, model.resample(z, [1], seed=1))
    assert np.any(x != model.resample(z, [1], seed=2))
    cold = model.resample(z, [1], temperature=0.0)
    fine, coarse = model.split_latent(z)
    expected = model.decode(model.join_latent([tf.zeros_like(fine), coarse]))
    np.testing.assert_array_equal(cold, model.dequantization.discretize(expected))
    for kwargs, message in (
        ({"kept": [2]}, r"`kept` should be some of \[0, 1\]"),
        ({"kept": [1], "temperature": -1.0}, "`temperature` should be a number, 0 or more"),
    ):
        with pytest.raises(ValueError, match=message):
            model.resample(z, **kwargs)


def test_the_first_half_goes_on_and_the_second_is_done():
    x = tf.reshape(tf.range(32.0), [1, 4, 4, 2])
    layer = MultiScale([Squeeze(1, name="same"), Squeeze(2, name="squeeze")])
    done, last = layer.split_latent(layer(x)[0])
    np.testing.assert_array_equal(done, x[..., 1:])
    np.testing.assert_array_equal(last, tf.nn.space_to_depth(x[..., :1], 2))


def test_temperature_narrows_samples():
    model = glow()
    assert model.sample(4, temperature=0.7, seed=1).shape == (4, 8, 8, 3)
    cold = model.encode(model.sample(50, temperature=0.1, seed=1))
    assert float(tf.math.reduce_std(cold)) < 0.2


def test_images_that_cannot_be_halved_are_refused():
    with pytest.raises(ValueError, match=r"divisible by 8. Received: shape \[batch, 28, 28, 1\]"):
        tfflows.Glow(num_levels=3).build((None, 28, 28, 1))
    with pytest.raises(ValueError, match="`alpha` should be None, or between 0 and 0.5"):
        tfflows.Glow(alpha=0.0)
    with pytest.raises(ValueError, match="`linear` should be"):
        tfflows.Glow(linear="lu")
    with pytest.raises(ValueError, match="expected images"):
        Coupling("half", MLP([4]), kernel_size=3).build((None, 4))
    with pytest.raises(ValueError, match="at least 2 channels"):
        MultiScale([Squeeze(1, name="a"), Squeeze(1, name="b")]).build((None, 4, 4, 1))


def test_mixed_precision_trains():
    keras.utils.set_random_seed(1)
    model = tfflows.Glow(num_levels=2, num_steps=1, units=8, seed=1, dtype="mixed_bfloat16")
    model.compile("adam")
    model.fit(pixels(16), batch_size=8, verbose=0)
    assert model.encode(pixels()).dtype == tf.float32
    assert_networks_alone_are_in(model, "bfloat16")


def test_fit_traces_the_flow_once(monkeypatch):
    calls = []
    forward = MultiScale.forward_and_log_det
    monkeypatch.setattr(
        MultiScale,
        "forward_and_log_det",
        lambda self, *args: calls.append(1) or forward(self, *args),
    )
    model = tfflows.Glow(num_levels=1, num_steps=1, units=4, seed=1)
    model.build((None, 8, 8, 1))
    model.adapt(pixels(shape=(8, 8, 1)))
    calls.clear()
    model.compile("adam")
    model.fit(pixels(16, (8, 8, 1)), batch_size=8, verbose=0)
    assert len(calls) == 1


BINS = {
    "levels": VariationalDequantization(Squeeze()),  # 256 of them
    "no levels": UniformDequantization(),
    "widths": UniformDequantization([1.0, 1.0, 0.5], num_levels=32),
    "centers": UniformDequantization(centered=True, num_levels=32),
}


@pytest.mark.parametrize("case", BINS)
def test_a_dequantization_of_other_values_than_pixels_have_is_refused(case):
    with pytest.raises(ValueError, match="num_levels=32, as num_bits=5 says"):
        tfflows.Glow(1, 1, 4, num_bits=5, dequantization=BINS[case])


def test_what_is_no_dequantization_is_refused():
    flow = tfflows.layers.Chain([tfflows.layers.ActNorm()])
    for bad in ("uniform", keras.layers.Dense(3)):
        with pytest.raises(ValueError, match="should be None or a `Dequantization`. Received"):
            tfflows.FlowModel(flow, dequantization=bad)
    with pytest.raises(ValueError, match="instance of `Dequantization`"):
        tfflows.Glow(dequantization=keras.layers.Dense(3))
    with pytest.raises(ValueError, match=r"one of \['uniform', 'variational'\]"):
        tfflows.FlowPlusPlus(dequantization="varational")


def kinds(layers):
    """What layers are: classes, and of couplings the masks; those that transform the other half
    with a minus."""
    names = []
    for layer in layers:
        name = type(layer).__name__
        if isinstance(layer, Coupling):
            name = "-" * layer.mask.swap + type(layer.mask).__name__
        names.append(name)
    return names


def couplings_of(model):
    layers = [layer for level in model.multi_scale.levels for layer in level.layers]
    return [layer for layer in layers if isinstance(layer, Coupling) and layer.name != "prior"]


def test_real_nvp_is_that_of_the_paper():
    model = tfflows.MultiScaleRealNVP(num_levels=2, units=4, num_blocks=1)
    assert isinstance(model.dequantization, UniformDequantization)
    logit = model.flow.layers[0]
    assert isinstance(logit, Logit) and (logit.alpha, logit.high) == (0.05, 256.0)
    for layer in couplings_of(model):
        assert isinstance(layer.family, Affine) and isinstance(layer.network, ResidualConvNet)
        assert layer.network.weight_normalization
    first, last = (kinds(level.layers) for level in model.multi_scale.levels)
    assert first[::2][:3] == ["BatchNormalization"] * 3
    couplings = [name for name in first if name != "BatchNormalization"]
    assert couplings == [
        *("Checkerboard", "-Checkerboard", "Checkerboard", "Squeeze", "-Half", "Half", "-Half")
    ]
    assert last == ["BatchNormalization", "Checkerboard", "BatchNormalization", "-Checkerboard"] * 2
    widths = [
        [layer.network.units for layer in level.layers if isinstance(layer, Coupling)]
        for level in model.multi_scale.levels
    ]
    assert widths == [[4, 4, 4, 8, 8, 8], [8, 8, 8, 8]]
    other = tfflows.MultiScaleRealNVP(num_levels=1, units=4, num_blocks=1, normalization="act")
    assert "ActNorm" in (names := kinds(other.multi_scale.levels[0].layers))
    assert "BatchNormalization" not in names


@pytest.mark.parametrize("family", ["affine", "additive"])
def test_glow_is_that_of_the_paper(family):
    model = tfflows.Glow(num_levels=2, num_steps=3, units=4, family=family)
    step = ["ActNorm", "InvertibleLinear", "Half"]
    levels = model.multi_scale.levels
    assert [kinds(level.layers) for level in levels] == [
        ["Squeeze", *step * 3, "Half"], ["Squeeze", *step * 3],
    ]  # fmt: skip
    assert isinstance(model.dequantization, UniformDequantization)
    rescale = model.flow.layers[0]
    assert isinstance(rescale, Rescale) and (rescale.scale, rescale.offset) == (1 / 256, -0.5)
    for layer in couplings_of(model):
        assert type(layer.family).__name__.lower() == family and layer.kernel_size == 3
        assert isinstance(layer.network, ConvNet)
        assert (layer.network.units, layer.network.kernel_sizes) == ((4, 4), (3, 1))
    prior = levels[0].layers[-1]
    assert prior.kernel_size == 3 and prior.network.units == ()
    assert prior.family.num_parameters == 2  # mean and scale, whatever the family of the steps
    model.build((None, 8, 8, 1))
    noisy(model)
    goes_on, is_done = (tf.random.stateless_normal([2, 4, 4, 2], [0, i]) for i in (1, 2))
    z, _ = prior(tf.concat([goes_on, is_done], -1))
    again, _ = prior(tf.concat([goes_on + 1, is_done], -1))
    np.testing.assert_array_equal(z[..., :2], goes_on)
    assert np.abs(z[..., 2:] - again[..., 2:]).max() > 1e-3


def test_flow_plus_plus_is_that_of_the_paper():
    model = tfflows.FlowPlusPlus(units=4, num_blocks=1)
    (level,) = model.multi_scale.levels
    steps = [k for k in kinds(level.layers) if k not in ("ActNorm", "InvertibleLinear")]
    odd, even = "PackedCheckerboard", "-PackedCheckerboard"
    assert steps == [odd, even, odd, even, "Squeeze", "Half", "-Half", odd, even, odd]
    assert kinds(level.layers).count("ActNorm") == 9
    logit = model.flow.layers[0]
    assert isinstance(logit, Logit) and (logit.alpha, logit.high) == (0.05, 256.0)
    noise = model.dequantization
    assert isinstance(noise, VariationalDequantization)
    noise = [layer for layer in noise.flow.layers if isinstance(layer, Coupling)]
    assert len(noise) == 4
    for layer in couplings_of(model) + noise:
        assert isinstance(layer.family, MixtureOfLogistics)
        assert isinstance(layer.network, GatedAttention)
    assert {layer.network.num_heads for layer in couplings_of(model)} == {4}
    model.build((None, 32, 32, 3))
    attends = [
        any(isinstance(each, GatedSelfAttention) for each in layer._flatten_layers())
        for layer in couplings_of(model)
    ]
    assert attends == [False] * 4 + [True] * 5


OPTIONS = {
    "glow_additive": lambda: tfflows.Glow(2, 1, 4, family="additive", seed=1),
    "glow_without_prior": lambda: tfflows.Glow(2, 1, 4, learned_prior=False, seed=1),
    "glow_qr": lambda: tfflows.Glow(2, 1, 4, linear="qr", seed=1),
    "glow_full": lambda: tfflows.Glow(2, 1, 4, linear="full", seed=1),
    **{
        f"real_nvp_{name}": lambda o=options: tfflows.MultiScaleRealNVP(2, 4, 1, **o)
        for name, options in {
            "paper": {},
            "act_norm": {"normalization": "act", "alpha": 1e-5},
            "plain": {"normalization": None, "double_units": False, "weight_normalization": False},
            "recompute": {"normalization": "act", "memory": "recompute"},
        }.items()
    },
    "flow_plus_plus_dropout": lambda: tfflows.FlowPlusPlus((1, 1, 1), 4, 1, dropout=0.2, seed=1),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_give_a_flow_that_comes_back(name):
    model, x = OPTIONS[name](), pixels(shape=(8, 8, 2)).astype("float32")
    model.build((None, 8, 8, 2))
    noisy(model, 0.03)
    z = model.encode(x)
    np.testing.assert_allclose(model.decode(tf.identity(z)) / 256, x / 256, atol=1e-4)
    again = type(model).from_config(model.get_config())
    again.build((None, 8, 8, 2))
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.log_prob(x, seed=1), model.log_prob(x, seed=1))


def test_what_lies_between_is_as_far_from_the_origin():
    model = glow(dequantization=None)
    x = pixels(4).astype("float32")
    z = model.encode(x)
    between = model.interpolate(x[:2], x[2:], [[0.25], [0.5]])
    angle = np.float32([[0.25], [0.5]]) * np.pi / 2
    start, end = np.cos(angle) * z[:2], np.sin(angle) * z[2:]
    found = model.encode(between[:, 0]).numpy()
    squares = [np.sum(part**2, -1) for part in (start, end, found)]
    np.testing.assert_allclose(squares[2], squares[0] + squares[1], rtol=1e-4)
    ratio = np.linalg.norm(found, axis=-1) / np.linalg.norm(start + end, axis=-1)
    np.testing.assert_allclose(found, (start + end) * ratio[:, np.newaxis], atol=1e-3)
    of_bytes = model.interpolate(x[:2], x[2:].astype("uint8"), [[0.25], [0.5]])
    np.testing.assert_array_equal(of_bytes, between)
    to_itself = model.interpolate(x, x, np.full([4, 1], 0.5))
    np.testing.assert_allclose(to_itself[:, 0], x, atol=1e-2)


def test_between_no_images_there_are_none():
    assert glow().interpolate(pixels(0), pixels(0), np.zeros([0, 5])).shape == (0, 5, 8, 8, 3)


def test_what_lies_between_nothing_is_refused():
    model = glow()
    x, half = pixels(2), np.full([2, 1], 0.5)
    for arguments, message in (
        ((x, x, np.linspace(0, 1, 2)), r"`position` should be of shape \[batch, steps\], batch 2"),
        ((x, x, half[:1]), r"batch 2 here. Received: shape \(1, 1\)"),
        ((x, x, half * 3), "`position` should be from 0 to 1"),
        ((x, x, half * np.nan), "`position` should be from 0 to 1"),
        ((x, x[:1], half), "same number of examples"),
        ((x * np.nan, x, half), "without NaN"),
        ((x, x + 0.5, half), "integers from 0 to 255"),
    ):
        with pytest.raises(ValueError, match=message):
            model.interpolate(*arguments)


def test_bin_widths_of_every_channel_are_those_of_pixels():
    layer = tfflows.dequantization.UniformDequantization([1.0, 1.0, 1.0], num_levels=256)
    flow = tfflows.layers.Chain([tfflows.layers.ActNorm()])
    model = tfflows.FlowModel(flow, dequantization=layer)
    model.build((None, 4, 4, 3))
    assert model.num_values == 256


@pytest.mark.parametrize("alpha", [None, 1e-5])
def test_integers_are_in_the_middle_of_their_bins_and_come_back_the_same(alpha):
    model, x = glow(alpha=alpha), pixels()
    z = model.encode(x)
    np.testing.assert_array_equal(z, model.encode(model.dequantization.middle(x)))
    np.testing.assert_array_equal(model.dequantization.discretize(model.decode(z)), x)
    np.testing.assert_array_equal(model.resample(z, kept=[0, 1]), x)


def test_integers_that_are_no_pixels_have_no_latents():
    model, message = glow(num_bits=5, alpha=0.05), "integers from 0 to 31"
    for bad in (pixels(), pixels().astype("int32") // 8 - 1):
        with pytest.raises(ValueError, match=message):
            model.encode(bad)
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            model.encode(tf.constant(bad))
    assert np.isfinite(model.encode(pixels() // 8)).all()


def test_latents_and_their_parts_of_other_shapes_are_refused():
    model = glow()
    z = model.encode(pixels(3))
    with pytest.raises(ValueError, match=r"n=3 pairs.*temperatures of shape \(2,\)"):
        model.resample(z, kept=[], temperature=[0.5, 0.7], seed=0)
    with pytest.raises(ValueError, match=r"n=3 pairs.*seeds of shape \(2, 2\)"):
        model.resample(z, kept=[0], seed=[[0, 1], [0, 2]])
    with pytest.raises(ValueError, match=r"\[batch, 192\]"):
        model.split_latent(z[:, 1:])
    fine, coarse = model.split_latent(z)
    joined = model.join_latent([np.zeros(fine.shape), coarse])
    np.testing.assert_array_equal(model.split_latent(joined)[1], coarse)
    for parts in ([coarse, fine], [fine], [fine[:, :2], coarse]):
        with pytest.raises(ValueError, match=r"expected parts .* \[batch, 4, 4, 6\], .*Received"):
            model.join_latent(parts)


def test_each_image_may_have_a_seed_of_its_own_after_all_had_one():
    model = glow()
    z = model.encode(pixels(4))
    model.resample(z, [1], seed=0)
    seeds = np.arange(8).reshape(4, 2)
    x = model.resample(z, [1], seed=seeds)
    np.testing.assert_array_equal(model.resample(z[1:2], [1], seed=seeds[1:2])[0], x[1])


def test_noise_of_rows_takes_one_seed_or_as_many_as_there_are_rows():
    model, x = glow(), pixels(3)
    with pytest.raises(ValueError, match=r"each of 3 rows. Received: seeds of shape \(2, 2\)"):
        model.log_prob(x, seed=[[0, 1], [0, 2]])
    assert model.log_prob(x, seed=[[0, 1]]).shape == (3,)


def test_bits_of_images_whose_size_the_graph_does_not_know():
    model, x = glow(), pixels(3)
    signature = [tf.TensorSpec([None, None, None, 3], tf.uint8)]
    bits = tf.function(lambda x: model.bits_per_dim(x, seed=0), signature)(x)
    np.testing.assert_allclose(bits, model.bits_per_dim(x, seed=0), rtol=1e-5)


def test_a_dequantization_in_another_dtype_is_refused():
    with pytest.raises(ValueError, match="a dequantization in float32, a model in float64"):
        glow(dtype="float64", dequantization=UniformDequantization(num_levels=256))


def own():
    flow = tfflows.layers.Chain([Rescale(1 / 256), Squeeze(), Coupling("channel", ConvNet((4, 4)))])
    return tfflows.FlowModel(flow, dequantization=UniformDequantization(num_levels=256))


def test_a_model_of_ones_own_takes_no_images_and_a_replica_of_none(two_replicas):
    x, losses = pixels(9, (4, 4, 1)), []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            keras.utils.set_random_seed(0)
            model = own()
            model.compile(keras.optimizers.SGD(0.0))
        losses += model.fit(x, batch_size=8, verbose=0, shuffle=False).history["nll"]
    np.testing.assert_allclose(*losses, rtol=1e-2)
    assert model.log_prob(x[:0]).shape == (0,) and model.sample(0).shape == (0, 4, 4, 1)


def test_a_replica_of_no_images_leaves_the_statistics_of_the_batch(two_replicas):
    x, found = 150 + pixels(9, (4, 4, 1)) % 100, []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            model = tfflows.MultiScaleRealNVP(1, num_final=1, units=4, num_blocks=1, alpha=None)
            model.compile(keras.optimizers.SGD(0.0))
        model.fit(x, batch_size=8, verbose=0, shuffle=False)
        found.append([w for w in model.non_trainable_variables if w.name == "moving_mean"][0])
    np.testing.assert_allclose(*found, atol=1e-4)
