"""An entry of images, from its recipe to its artifact and card."""

import csv
import shutil

import numpy as np
import pytest

from tests.zoo.conftest import TINY_IMAGES, digit_images
from tfflows import saved_model
from zoo import registry
from zoo.card_figures import gap
from zoo.data.catalogue import CATALOGUE
from zoo.evaluate import evaluate, protocol
from zoo.model_card import card_text, write_card
from zoo.optimizer import make_optimizer
from zoo.recipe import parse
from zoo.resume import Resume
from zoo.train import default_strategy, fit


def test_entry(image_entries, image_data):
    entry = image_entries / "tiny_images"
    metadata = saved_model.read(entry / "1")["metadata"]
    assert parse(metadata["recipe"]) == parse(TINY_IMAGES)
    metrics = metadata["metrics"]
    assert metrics["rows"] == 100
    assert metrics["bits_per_dim"] == pytest.approx(-metrics["log_prob"] / (64 * np.log(2)))
    with (entry / "training.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["5", "10"]


def test_card(image_entries):
    entry = image_entries / "tiny_images"
    card = (entry / "README.md").read_text()
    tightened = saved_model.read(entry / "1")["metadata"]["metrics"]["importance_bits_per_dim"]
    for text in (
        "bits per dimension** on the test split",
        f"| the same | {tightened:.3f} ± ",
        f"| Other | 2.5 | {tightened - 2.5:.3f} worse | a paper | uniform, test split |",
        f"| Another | 2 | {tightened - 2:.3f} worse | its code | 4096 samples |",
        "as below, 2 importance samples |",
        "uniform dequantization, one sample of the noise (and, where it says so, 2 importance "
        "samples) (seed 0)",
        "given one of 10 classes",
        " MB.",
        "(samples.png)",
        "(interpolations.png)",
        "python -m zoo train tiny_images",
    ):
        assert text in card


@pytest.mark.parametrize(
    "training, expected",
    [
        (
            {"schedule": "constant"},
            "The last 66.0 minutes brought {0} bits per dimension of it; at "
            "that pace, in the logarithm of the time, 10 hours more would bring {1}, less",
        ),
        (
            {},
            "The last 66.0 minutes brought {0} bits per dimension of it, the fall of the",
        ),
        (
            {"restarts": [1]},
            "The last run of the schedule (2.1 hours) brought {2} bits per dimension of it; at "
            "that pace, in the logarithm of the time, 10 hours more would bring {3}, less",
        ),
    ],
    ids=["constant", "one run of the schedule", "two"],
)
def test_what_more_training_would_bring_is_told_where_the_log_can_tell(
    training, expected, image_entries, image_data, tmp_path
):
    entry = tmp_path / "begun"
    shutil.copytree(image_entries / "tiny_images", entry)
    metadata = saved_model.read(entry / "1")["metadata"]
    before = metadata["hours_before"] = metadata["hours"]
    metadata["recipe"]["training"] |= {"epochs": 3} | training
    hours, nll, bit = np.array([0.9, 1.9, 3.0]), [90, 80, 70], 64 * np.log(2)
    rows = [(i + 1, 5, 90, nll[i], 1e-3, 3600 * (before + hours[i])) for i in range(3)]
    header = "epoch,step,nll,val_nll,learning_rate,seconds"
    (entry / "training.csv").write_text(
        "\n".join([header, *(",".join(map(str, row)) for row in rows)])
    )
    write_card(entry, metadata)
    third, run = 10 / bit, 20 / bit
    more = [
        gained * np.log1p(10 / 3) / np.log(3 / start)
        for gained, start in ((third, 1.9), (run, 0.9))
    ]
    figures = [f"{figure:.3f}" for figure in (third, more[0], run, more[1])]
    assert expected.format(*figures) in (entry / "README.md").read_text()


def test_card_names_the_methods_that_there_are(image_entries, image_data):
    metadata = saved_model.read(image_entries / "tiny_images" / "1")["metadata"]
    assert "model: sample, log_prob, encode, decode, fit\n" in card_text(metadata, size=1)
    both = card_text(metadata | {"dtype": "mixed_bfloat16, then float32"}, size=1)
    assert "networks in bfloat16 for a part of it" in both
    metadata["recipe"]["model"] = {"class": "PixelCNNPlusPlus", "arguments": {}}
    assert "model: sample, log_prob, fit\n" in card_text(metadata, size=1)


def test_card_says_what_is_not_as_in_the_paper(image_entries, image_data):
    metadata = saved_model.read(image_entries / "tiny_images" / "1")["metadata"]
    plain = card_text(metadata, size=1)
    for model, arguments, sentence in (
        ("Glow", {"network": "residual"}, "Its conditioners are residual networks"),
        (
            "Glow",
            {"alpha": 1e-5},
            "It begins with a logit of alpha 1e-05, where the paper has none",
        ),
        ("MultiScaleRealNVP", {"alpha": 0.1}, "alpha 0.1, where the paper has one of 0.05."),
        ("MultiScaleRealNVP", {"normalization": "act"}, "Before each coupling is an ActNorm, not"),
        ("FlowPlusPlus", {"num_heads": 0}, "There is no self-attention."),
    ):
        metadata["recipe"]["model"] = {"class": model, "arguments": arguments}
        assert sentence in card_text(metadata, size=1)
        assert sentence not in plain
    metadata["recipe"]["model"] = {"class": "MultiScaleRealNVP", "arguments": {"alpha": 0.05}}
    assert "alpha 0.05, where" not in card_text(metadata, size=1)


def test_what_is_shipped_is_in_float32_and_gives_the_figures_again(image_zoo):
    metrics = registry.metadata("tiny_images")["metrics"]
    model, recipe = registry.load("tiny_images"), parse(TINY_IMAGES)
    assert {layer.compute_dtype for layer in model._flatten_layers()} == {"float32"}
    figures = evaluate(model, recipe.data.load(), recipe.evaluation)
    assert figures == pytest.approx({key: metrics[key] for key in figures}, rel=1e-4)


def test_importance_samples_are_those_of_the_model(image_zoo):
    model, recipe = registry.load("tiny_images"), parse(TINY_IMAGES)
    data = recipe.data.load()
    five = recipe.evaluation.model_copy(update={"num_importance_samples": 5, "batch_size": 100})
    x, labels = data.arrays("test")
    expected = model.bits_per_dim(x, labels, seed=(0, 0), num_importance_samples=5)
    figures = evaluate(model, data, five)
    assert figures["importance_bits_per_dim"] == pytest.approx(np.mean(expected), rel=1e-6)
    assert "5 importance samples" in protocol(data, five, model)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A model and the record of its training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CATALOGUE, "digit_images", digit_images)
        return fit(parse(TINY_IMAGES), tmp_path_factory.mktemp("run"), default_strategy())


def test_resumed_gives_the_weights_of_an_undisturbed_run(
    undisturbed, image_data, tmp_path, monkeypatch
):
    recipe, (model, whole) = parse(TINY_IMAGES), undisturbed
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Resume, "on_epoch_begin", _stop_at_the_second)
        fit(recipe, tmp_path / "stopped", default_strategy())
    resumed, record = fit(recipe, tmp_path / "stopped", default_strategy())
    for one, other in zip(model.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert np.array_equal(np.array(whole.log)[:, :-1], np.array(record.log)[:, :-1])


def test_what_is_kept_is_the_average(undisturbed):
    model, record = undisturbed
    assert record.best_epoch == 2
    averages = model.optimizer._model_variables_moving_average
    for weight, average in zip(model.trainable_variables, averages, strict=True):
        np.testing.assert_allclose(weight, average, rtol=1e-6)


def test_averages_go_on_from_a_shipped_entry(image_zoo, tmp_path):
    recipe = parse(TINY_IMAGES)
    model = recipe.make_model()
    model.build((None, 8, 8, 1), (None,))
    model.compile(make_optimizer(recipe.training, 10))
    model.optimizer.build(model.trainable_variables)
    record = Resume(tmp_path / "state.npz", recipe)
    record.restore_entry(model, image_zoo / "tiny_images")
    averages = model.optimizer._model_variables_moving_average
    trained = registry.load("tiny_images").trainable_variables
    for weight, average, shipped in zip(model.trainable_variables, averages, trained, strict=True):
        np.testing.assert_array_equal(weight, shipped)
        np.testing.assert_array_equal(average, shipped)
    assert int(model.optimizer.iterations) == 10


@pytest.mark.parametrize(("ours", "text"), [(3.456, "0.106 worse"), (3.3, "0.050 better")])
def test_gap(ours, text):
    assert gap(ours, 3.35) == text


def _stop_at_the_second(resume, epoch, logs=None):
    if epoch == 1:
        raise KeyboardInterrupt
