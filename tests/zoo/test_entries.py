"""The shipped entries: made by the recipes that are here, described by the cards that are here."""

import pytest

import zoo
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


@pytest.mark.parametrize("name", VECTORS)  # images take minutes
def test_the_model_still_has_the_figures_of_the_card(name):
    metadata = registry.metadata(name)
    recipe, metrics = parse(metadata["recipe"]), metadata["metrics"]
    figures = evaluate(registry.load(name), recipe.data.load(), recipe.evaluation)
    assert figures == pytest.approx({key: metrics[key] for key in figures}, rel=0, abs=1e-3)


@each_entry
def test_an_entry_is_small(name):
    size = sum(file.stat().st_size for file in registry.path(name).rglob("*") if file.is_file())
    assert size < MOST_BYTES
