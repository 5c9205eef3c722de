"""The shipped entries: made by the recipes that are here, described by the cards that are here."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests.zoo.conftest import real_images
from tfflows.serving.endpoints import NOISE_SEED
from zoo import data, registry
from zoo import recipe as recipes
from zoo.evaluate import evaluate
from zoo.model_card import write_card
from zoo.recipe import parse

MOST_BYTES = 12e6
each_entry = pytest.mark.parametrize("name", zoo.names())


def is_of_images(name):
    return data.load(registry.metadata(name)["recipe"]["data"]["name"]).is_image


VECTORS = [name for name in zoo.names() if not is_of_images(name)]
IMAGES = [name for name in zoo.names() if is_of_images(name)]


@each_entry
def test_the_recipe_is_that_of_the_entry_or_goes_on_from_it(name):
    own = parse(registry.metadata(name)["recipe"])
    assert recipes.find(name).goes_on_from(own.trained_by())


@each_entry
def test_the_card_is_what_the_artifact_says(name, tmp_path):
    entry, artifact = registry.path(name).parent, registry.path(name)
    for file in entry.iterdir():
        if file.name != "README.md":
            (tmp_path / file.name).symlink_to(file)
    write_card(tmp_path, registry.metadata(name), artifact.name)
    assert (tmp_path / "README.md").read_text() == registry.card(name)


@pytest.mark.parametrize("name", VECTORS)
def test_the_model_still_has_the_figures_of_the_card(name):
    recipe = parse(registry.metadata(name)["recipe"])
    assert_figures_of_the_card(name, recipe.data.load(), recipe.evaluation, rel=0)


@pytest.mark.long
@pytest.mark.parametrize("name", IMAGES)
def test_the_model_still_has_the_figures_of_the_card_by_one_sample(name):
    recipe = parse(registry.metadata(name)["recipe"])
    images = real_images(recipe.data.name)
    images = images if recipe.data.labels else images.without_labels()
    evaluation = recipe.evaluation.model_copy(update={"num_importance_samples": 1})
    assert_figures_of_the_card(name, images, evaluation, rel=1e-5)  # nats by the thousand


def assert_figures_of_the_card(name, data_set, evaluation, rel):
    metrics = registry.metadata(name)["metrics"]
    figures = evaluate(registry.load(name), data_set, evaluation)
    assert figures == pytest.approx({key: metrics[key] for key in figures}, rel=rel, abs=1e-3)


@pytest.mark.parametrize("name", IMAGES)
def test_the_model_still_gives_real_images_what_its_exported_graph_does(name):
    recipe = parse(registry.metadata(name)["recipe"])
    x, labels = (part[:4] for part in real_images(recipe.data.name).arrays("test"))
    condition = {"condition": tf.constant(labels)} if recipe.data.labels else {}
    graph = tf.saved_model.load(registry.path(name)).signatures["log_prob"]
    expected = graph(x=tf.constant(x), **condition)["log_prob"]
    found = registry.load(name).log_prob(x, seed=NOISE_SEED, **condition)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@each_entry
def test_an_entry_is_small(name):
    size = sum(file.stat().st_size for file in registry.path(name).rglob("*") if file.is_file())
    assert size < MOST_BYTES
