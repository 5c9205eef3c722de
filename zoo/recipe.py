"""Recipes: how an entry of the zoo is trained, as one YAML file, checked before anything starts."""

from __future__ import annotations

import inspect
import json
import pathlib
import re
from typing import Annotated, Any, Literal

import pydantic
import yaml

import tfflows.models
import zoo.data
from tfflows.models import DensityModel
from zoo.data.known import check_known
from zoo.models import MODELS

RECIPES = pathlib.Path(__file__).parent / "recipes"


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False
    )


class ModelRecipe(_Strict):
    """A model class of tfflows, and its arguments.

    `dtype: mixed_bfloat16` among them trains with networks in bfloat16 where the machine is fast at
    it; what is evaluated and exported is in float32.
    """

    class_name: str = pydantic.Field(alias="class")
    arguments: dict[str, Any] = {}

    @pydantic.field_validator("class_name")
    @classmethod
    def _check_class(cls, class_name: str) -> str:
        check_known("model", class_name, MODELS)
        return class_name

    @pydantic.model_validator(mode="after")
    def _check(self) -> ModelRecipe:
        parameters = inspect.signature(getattr(tfflows.models, self.class_name)).parameters
        known = sorted({"dtype", *parameters} - {"num_classes", "kwargs"})
        for argument in self.arguments:
            check_known(f"argument of {self.class_name}", argument, known)
        try:
            self.make()
        except TypeError as error:
            raise ValueError(str(error)) from error
        return self

    def make(self, num_classes: int | None = None, **changes) -> DensityModel:
        """The model, not built; `changes` replace arguments."""
        arguments = self.arguments | changes | {"num_classes": num_classes}
        return getattr(tfflows.models, self.class_name)(**arguments)


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


Rate = Annotated[float, pydantic.Field(gt=0)]


class TrainingRecipe(_Strict):
    """By Adam, Adamax or Muon (`KernelMuon`); the weights that are best in validation are kept."""

    seed: int = pydantic.Field(0, ge=0, lt=2**31)
    begins_with: str | None = pydantic.Field(
        None, description="an entry, all of whose weights the model has: it begins with these"
    )
    batch_size: int = pydantic.Field(256, gt=0)
    epochs: int = pydantic.Field(gt=0, description="passes over the data")
    restarts: tuple[int, ...] = pydantic.Field(
        (), description="epochs after which the schedule of the learning rate begins anew"
    )
    epochs_per_validation: int = pydantic.Field(1, gt=0)
    validation_rows: int | None = pydantic.Field(
        None, gt=0, description="the first rows of the validation split; None: all"
    )
    adapt_rows: int = pydantic.Field(
        4096, gt=0, description="the rows that data-dependent initialisation takes"
    )
    flip: bool = pydantic.Field(False, description="images left to right, each second at random")
    optimizer: Literal["adam", "adamax", "muon"] = "adam"
    learning_rate: Rate | tuple[Rate, ...] = pydantic.Field(
        1e-3, description="the highest of the schedule; several: of each run of it"
    )
    schedule: Literal["cosine", "constant", "warmup_cosine"] = "cosine"
    warmup_epochs: float = pydantic.Field(
        1.0, gt=0, description="warmup_cosine: from zero to the learning rate, then to zero"
    )
    global_clipnorm: float | None = pydantic.Field(5.0, gt=0)
    weight_decay: float | None = pydantic.Field(None, ge=0)
    use_ema: bool = False
    ema_momentum: float = pydantic.Field(0.99, ge=0, lt=1)
    patience: int | None = pydantic.Field(
        None, gt=0, description="validations without a new best after which training stops"
    )

    @pydantic.model_validator(mode="after")
    def _check(self) -> TrainingRecipe:
        if self.epochs % self.epochs_per_validation:
            raise ValueError("epochs should be a multiple of epochs_per_validation.")
        if list(self.cycles) != sorted(set(self.cycles)) or self.cycles[0] < 1:
            raise ValueError("restarts should rise, from 1 or more to less than epochs.")
        runs = 1 if self.schedule == "constant" else len(self.cycles)
        if isinstance(self.learning_rate, tuple) and len(self.rates) != runs:
            raise ValueError(
                f"learning_rate should be one, or one for each run of the schedule: {runs}."
            )
        lengths = [b - a for a, b in zip((0, *self.restarts), self.cycles)]
        if self.schedule == "warmup_cosine" and self.warmup_epochs >= min(lengths):
            raise ValueError("warmup_epochs should be less than epochs, and than those of a cycle.")
        return self

    @property
    def cycles(self) -> tuple[int, ...]:
        """The last epoch of each run of the schedule."""
        return (*self.restarts, self.epochs)

    @property
    def rates(self) -> tuple[float, ...]:
        """The highest learning rate of each run of the schedule."""
        given = self.learning_rate
        return given if isinstance(given, tuple) else (given,) * len(self.cycles)


class EvaluationRecipe(_Strict):
    """Mean log-density of a split; seed and batch size fix the noise of the dequantization.

    The bound of a model that dequantizes is taken with one sample of the noise; with
    `num_importance_samples` of more than one, once more with that many, which tightens it. Other
    models have no use for them.
    """

    split: Literal["validation", "test"] = "test"
    seed: int = pydantic.Field(0, ge=0, lt=2**31)
    batch_size: int = pydantic.Field(1000, gt=0)
    num_importance_samples: int = pydantic.Field(1, gt=0)


class Yardstick(_Strict):
    """A published figure of the same data, in bits per dimension."""

    name: str
    figure: float
    source: str
    protocol: str
    num_importance_samples: int = pydantic.Field(1, gt=0)


class Recipe(_Strict):
    """All that an entry is made from."""

    name: str = pydantic.Field(pattern=r"^[a-z][a-z0-9_]*$")
    model: ModelRecipe
    data: DataRecipe
    training: TrainingRecipe
    evaluation: EvaluationRecipe = EvaluationRecipe()
    yardsticks: tuple[Yardstick, ...] = ()

    @pydantic.model_validator(mode="after")
    def _check(self) -> Recipe:
        if self.training.flip and not self.data.load().is_image:
            raise ValueError(f"training.flip is for images, which {self.data.name} has not.")
        return self

    def make_model(self, **changes) -> DensityModel:
        """The model that the recipe describes, not built; `changes` replace arguments.

        Raises:
            ValueError: the data are pixels, the model one of real numbers.
        """
        data = self.data.load()
        model = self.model.make(data.num_classes, **changes)
        if data.is_image and not model.is_discrete:
            raise ValueError(
                f"{self.name}: {data.name} has pixels, integers, whose likelihood by a model of "
                "real numbers has no upper bound. "
                f"{self.model.class_name} should have a dequantization."
            )
        return model

    def trained_by(self) -> str:
        """What the weights depend on, as text; a new default elsewhere does not change it.

        Without the dtype, which depends on the machine: a training may go on on another.
        """
        parts = self.model_dump(
            mode="json",
            by_alias=True,
            exclude_defaults=True,
            include={"model", "data", "training"},
        )
        parts["model"].get("arguments", {}).pop("dtype", None)
        return json.dumps(parts, sort_keys=True)

    def goes_on_from(self, trained_by: str) -> bool:
        """Whether a training by another recipe's `trained_by` was the beginning of this one's.

        It was if the recipes are the same, or if this one restarts the schedule where that ended.
        """
        other, own = json.loads(trained_by), json.loads(self.trained_by())
        before = TrainingRecipe.model_validate(other["training"])
        for recipe in (other, own):
            for name in ("restarts", "epochs", "learning_rate"):
                recipe["training"].pop(name, None)
        done = len(before.cycles)
        return (
            own == other
            and self.training.cycles[:done] == before.cycles
            and self.training.rates[:done] == before.rates
        )

    def dump(self) -> dict[str, Any]:
        """The recipe as it is read by `parse`, with all defaults written out."""
        return self.model_dump(mode="json", by_alias=True)


class _Loader(yaml.SafeLoader):
    """That of PyYAML takes 1e-3, which YAML 1.2 has for a number, for a text."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), "-+0123456789"
)


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
        content = yaml.load(pathlib.Path(path).read_text(), _Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from None
    return parse(content, str(path))


def names() -> list[str]:
    """The recipes that come with the zoo."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def recorded(metadata: dict[str, Any], where: str) -> Recipe:
    """The recipe in the metadata of an artifact; ValueError for a model exported by hand."""
    if "recipe" not in metadata:
        raise ValueError(f"{where} was not trained by `zoo train`: it holds no recipe.")
    return parse(metadata["recipe"], where)


def argument(recipe: Recipe) -> str:
    """What `find` has the recipe by: its name, or, if it is not one of the zoo's, a file's."""
    is_known = recipe.name in names() and find(recipe.name) == recipe
    return recipe.name if is_known else f"{recipe.name}.yaml"


def find(name_or_path: str) -> Recipe:
    """A recipe of the zoo by its name, or any by the path of its file (`*.yaml`)."""
    if name_or_path.endswith((".yaml", ".yml")):
        return read(name_or_path)
    check_known("recipe", name_or_path, names())
    return read(RECIPES / f"{name_or_path}.yaml")
