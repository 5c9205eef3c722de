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


def test_what_more_training_would_bring_is_told_from_where_it_began(
    image_entries, image_data, tmp_path
):
    entry = tmp_path / "begun"
    shutil.copytree(image_entries / "tiny_images", entry)
    metadata = saved_model.read(entry / "1")["metadata"]
    hours = metadata["hours"]
    metadata["hours_before"] = hours
    log = "epoch,step,nll,val_nll,learning_rate,seconds"
    rows = [
        (i, 5 * i, 90, 100 - 10 * i, 1e-3, 3600 * (hours + i - (i < 3) / 10)) for i in (1, 2, 3)
    ]
    lines = [log, *(",".join(map(str, row)) for row in rows)]
    (entry / "training.csv").write_text("\n".join(lines))
    write_card(entry, metadata)
    card, bits = (entry / "README.md").read_text(), 10 / (64 * np.log(2))
    assert f"The last third of the time (60.0 minutes) brought {bits:.3f} bits" in card
    more = bits * np.log1p(10 / 3) / np.log(1.5)
    assert f"10 hours more would bring {more:.3f}," in card


def test_card_names_the_methods_that_there_are(image_entries, image_data):
    metadata = saved_model.read(image_entries / "tiny_images" / "1")["metadata"]
    assert "model: sample, log_prob, encode, decode, fit\n" in card_text(metadata, size=1)
    both = card_text(metadata | {"dtype": "mixed_bfloat16, then float32"}, size=1)
    assert "networks in bfloat16 for a part of it" in both
    metadata["recipe"]["model"] = {"class": "PixelCNNPlusPlus", "arguments": {}}
    assert "model: sample, log_prob, fit\n" in card_text(metadata, size=1)


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
