import copy

import pytest
import yaml

from tests.zoo.conftest import TINY
from zoo import recipe as recipes
from zoo.recipe import parse

IMAGES = ["mnist", "cifar10"]


def changed(field, value):
    content = copy.deepcopy(TINY)
    *path, last = field.split(".")
    place = content
    for key in path:
        place = place.setdefault(key, {})
    place[last] = value
    return content


@pytest.mark.parametrize("name", recipes.names())
def test_recipes_of_the_zoo_are_valid_and_named_as_their_file(name):
    assert recipes.find(name).name == name


def test_entries_of_vectors_and_of_images():
    tables = ["parkinsons", "power_plant", "protein"]
    vectors = {f"{model}_{table}" for model in ("realnvp", "maf", "nsf") for table in tables}
    vectors |= {"maf_digits", "nsf_checkerboard", "nsf_two_spirals"}
    images = {f"{model}_{data}" for model in ("realnvp", "glow", "flowpp") for data in IMAGES}
    images |= {"glow_mnist_conditional", "glow_fashion_mnist"}
    images |= {f"{begun}_1_block" for begun in ("flowpp_mnist", "flowpp_cifar10", "realnvp_mnist")}
    pixel_cnns = ["mnist", "mnist_conditional", "fashion_mnist", "cifar10", "local_cifar10"]
    pixel_cnns += ["mnist_logistics", "mnist_conditional_logistics"]
    pixel_cnns += ["local_cifar10_kernel_7"]
    images |= {f"pixelcnnpp_{data}" for data in pixel_cnns}
    assert set(recipes.names()) == vectors | images


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("training.epochs", 0, "training.epochs: Input should be greater than 0"),
        ("training.epoch", 1, "training.epoch: Extra inputs are not permitted"),
        ("training.epochs_per_validation", 3, "training: .* multiple"),
        ("training.schedule", "linear", "training.schedule: "),
        ("training.optimizer", "sgd", "training.optimizer: "),
        ("training.flip", True, "training.flip is for images"),
        ("training", {"epochs": 2, "restarts": [2]}, "restarts should rise"),
        ("training.learning_rate", 0.0, "training.learning_rate.* greater than 0"),
        ("training.learning_rate", [0.1, 0.2], "learning_rate should be one, or .* schedule: 1"),
        ("training", {"epochs": 2, "schedule": "warmup_cosine", "warmup_epochs": 2}, "less than"),
        ("yardsticks", [{"name": "Glow"}], "yardsticks.0.figure: Field required"),
        ("model.class", "Glou", "model.class: .*Did you mean 'Glow'"),
        ("model.arguments", {"unit": [8]}, "model: .*'unit'.* Did you mean 'units'"),
        (
            "model.arguments",
            {"kwargs": 1},
            r"Unknown argument of MAF 'kwargs'. Known: activation, ",
        ),
        ("training.learning_rate", float("inf"), "learning_rate.*finite"),
        ("training.global_clipnorm", float("inf"), "global_clipnorm.*finite"),
        ("training.seed", 2**31, "training.seed: Input should be less than 2147483648"),
        ("model.arguments", {"num_classes": 3}, "model: .*'num_classes'"),
        ("model.arguments", {"family": "splines"}, "model: .*splines"),
        ("data.name", "powerplant", "data: .* Did you mean 'power_plant'"),
        ("data.labels", True, "data: .*no labels"),
        ("name", "../tiny", "name: "),
        ("evaluation.split", "train", "evaluation.split: "),
    ],
)
def test_an_invalid_recipe_names_the_field(field, value, message):
    with pytest.raises(ValueError, match=message) as error:
        parse(changed(field, value))
    assert "\n" not in str(error.value)


def test_a_recipe_without_a_part_names_it():
    with pytest.raises(ValueError, match="data: Field required"):
        parse({key: value for key, value in TINY.items() if key != "data"})


def test_dump_is_read_again():
    recipe = parse(TINY)
    assert parse(yaml.safe_load(yaml.safe_dump(recipe.dump()))) == recipe


def test_read_names_the_file(tmp_path):
    file = tmp_path / "broken.yaml"
    file.write_text("name: [")
    with pytest.raises(ValueError, match="broken.yaml: ") as error:
        recipes.find(str(file))
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_text_is_named(tmp_path):
    file = tmp_path / "binary.yaml"
    file.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ValueError, match="binary.yaml: "):
        recipes.find(str(file))


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "1.0e-3", "0.001", "+10e-4", "1.e-3"])
def test_numbers_may_be_written_as_in_yaml_1_2(text, tmp_path):
    file = tmp_path / "tiny.yaml"
    content = yaml.safe_dump(changed("model.arguments", {"weight_decay": "HERE"}))
    content = content.replace("weight_decay: HERE", f"units: [8, {text}]")
    file.write_text(content)
    with pytest.raises(ValueError, match=r"\b0.001\b"):
        recipes.read(file)


def test_a_recipe_is_found_by_its_name_or_its_file():
    own = recipes.find("maf_protein")
    assert recipes.argument(own) == "maf_protein"
    assert recipes.argument(parse(TINY)) == "tiny.yaml"
    other = own.model_copy(update={"evaluation": parse(TINY).evaluation})
    assert recipes.argument(other) == "maf_protein"
    assert recipes.argument(own.model_copy(update={"data": parse(TINY).data})) == "maf_protein.yaml"


def test_unknown_recipe():
    with pytest.raises(ValueError, match="Did you mean 'maf_protein'"):
        recipes.find("maf_proteins")


def test_labels_give_a_class_conditional_model():
    recipe = recipes.find("maf_digits")
    assert recipe.make_model().num_classes == 10
    assert recipes.find("maf_protein").make_model().num_classes is None


@pytest.mark.parametrize("dequantization", [None, "uniform"])
def test_pixels_need_a_model_of_pixels(dequantization):
    arguments = {"num_levels": 1, "num_steps": 1, "dequantization": dequantization}
    recipe = changed("model", {"class": "Glow", "arguments": arguments})
    recipe = parse(recipe | {"data": {"name": "cifar10"}})
    if dequantization:
        assert recipe.make_model().is_discrete
    else:
        with pytest.raises(ValueError, match="cifar10 has pixels.*Glow should have a dequant"):
            recipe.make_model()


def test_what_weights_depend_on_is_the_model_the_data_and_the_training():
    recipe = parse(TINY)
    same = parse(changed("evaluation", {"split": "validation"}))
    assert recipe.trained_by() == same.trained_by()
    assert recipe.trained_by() != parse(changed("training.seed", 4)).trained_by()
