"""Recipes: how an entry of the zoo is trained, as one YAML file, checked before anything starts."""

from __future__ import annotations

import inspect
import pathlib
from typing import Any, Literal

import pydantic
import yaml

import tfflows.models
import zoo.data
from tfflows.models import FlowModel
from zoo.data.known import check_known

RECIPES = pathlib.Path(__file__).parent / "recipes"


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ModelRecipe(_Strict):
    """A model class of tfflows, and its arguments."""

    class_name: Literal["RealNVP", "MAF", "IAF", "NeuralSplineFlow"] = pydantic.Field(alias="class")
    arguments: dict[str, Any] = {}

    @pydantic.model_validator(mode="after")
    def _check(self) -> ModelRecipe:
        known = inspect.signature(getattr(tfflows.models, self.class_name)).parameters
        for argument in self.arguments:
            check_known(f"argument of {self.class_name}", argument, set(known) - {"num_classes"})
        try:
            self.make()
        except TypeError as error:
            raise ValueError(str(error)) from error
        return self

    def make(self, num_classes: int | None = None) -> FlowModel:
        """The model, not built."""
        return getattr(tfflows.models, self.class_name)(**self.arguments, num_classes=num_classes)


class DataRecipe(_Strict):
    """A data set of `zoo.data`; with `labels` the model is of p(x | label)."""

    name: str
    labels: bool = False

    @pydantic.model_validator(mode="after")
    def _check(self) -> DataRecipe:
        check_known("data set", self.name, zoo.data.names())
        if self.labels and zoo.data.load(self.name).num_classes is None:
            raise ValueError(f"{self.name} has no labels.")
        return self

    def load(self) -> zoo.data.DataSet:
        """The data set, without its labels unless they are asked for."""
        data_set = zoo.data.load(self.name)
        return data_set if self.labels else data_set.without_labels()


class TrainingRecipe(_Strict):
    """Adam; the weights that are best in validation are kept."""

    seed: int = pydantic.Field(0, ge=0)
    batch_size: int = pydantic.Field(256, gt=0)
    epochs: int = pydantic.Field(gt=0, description="passes over the data")
    epochs_per_validation: int = pydantic.Field(1, gt=0)
    learning_rate: float = pydantic.Field(1e-3, gt=0)
    schedule: Literal["cosine", "constant"] = "cosine"
    global_clipnorm: float | None = pydantic.Field(5.0, gt=0)
    weight_decay: float | None = pydantic.Field(None, ge=0)
    use_ema: bool = False
    patience: int | None = pydantic.Field(
        None, gt=0, description="validations without a new best after which training stops"
    )

    @pydantic.model_validator(mode="after")
    def _check(self) -> TrainingRecipe:
        if self.epochs % self.epochs_per_validation:
            raise ValueError("epochs should be a multiple of epochs_per_validation.")
        return self


class EvaluationRecipe(_Strict):
    """Mean log-density of a split; the noise of the dequantization is fixed by the seed."""

    split: Literal["validation", "test"] = "test"
    seed: int = pydantic.Field(0, ge=0)
    batch_size: int = pydantic.Field(1000, gt=0)


class Recipe(_Strict):
    """All that an entry is made from."""

    name: str = pydantic.Field(pattern=r"^[a-z][a-z0-9_]*$")
    model: ModelRecipe
    data: DataRecipe
    training: TrainingRecipe
    evaluation: EvaluationRecipe = EvaluationRecipe()

    def make_model(self) -> FlowModel:
        """The model that the recipe describes, not built."""
        return self.model.make(self.data.load().num_classes)

    def dump(self) -> dict[str, Any]:
        """The recipe as it is read by `parse`, with all defaults written out."""
        return self.model_dump(mode="json", by_alias=True)


def parse(content: Any, where: str = "recipe") -> Recipe:
    """A recipe from the content of its file.

    Raises:
        ValueError: in one line, with the field that is wrong.
    """
    try:
        return Recipe.model_validate(content)
    except pydantic.ValidationError as error:
        problems = (
            f"{'.'.join(map(str, problem['loc'])) or 'recipe'}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        )
        raise ValueError(f"{where}: {'; '.join(problems)}") from None


def read(path: pathlib.Path | str) -> Recipe:
    """A recipe from its YAML file."""
    try:
        content = yaml.safe_load(pathlib.Path(path).read_text())
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from None
    return parse(content, str(path))


def names() -> list[str]:
    """The recipes that come with the zoo."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def find(name_or_path: str) -> Recipe:
    """A recipe of the zoo by its name, or any by the path of its file (`*.yaml`)."""
    if name_or_path.endswith((".yaml", ".yml")):
        return read(name_or_path)
    check_known("recipe", name_or_path, names())
    return read(RECIPES / f"{name_or_path}.yaml")
