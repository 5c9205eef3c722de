"""What arguments of a model buy in the first steps of a recipe: ``python -m benchmarks.variants``.

A recipe's model learns for as many steps with each of several changes of its arguments; the
learning rate rises for a fifth of the steps and falls to zero along a cosine; all else is the
recipe's, but no average of weights. Bits per dimension are of 500 images held out.
"""

import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import yaml

from benchmarks import command_line
from benchmarks.first_steps import first_steps
from benchmarks.optimizers import trained_by
from zoo.recipe import Recipe, find

FAMILIES = ["affine", "rational_quadratic_spline", "mixture_of_logistics"]


def main() -> None:
    parser = command_line.parser("variants", __doc__)
    parser.add_argument("--recipe", default="glow_mnist")
    parser.add_argument(
        "--change",
        nargs="+",
        dest="changes",
        type=arguments_of,
        default=[{"family": family} for family in FAMILIES],
        metavar="'NAME: VALUE, ...'",
        help="arguments of the model that differ from the recipe's",
    )
    parser.add_argument("--learning-rate", type=float, help="instead of the recipe's first")
    parser.add_argument("--steps", type=int, default=2000)
    arguments = parser.parse_args()
    print(f"{arguments.recipe}, {arguments.steps} steps\n")
    print("| change | bits/dim | CPU seconds |")
    print("| --- | ---: | ---: |")
    for change in arguments.changes:
        recipe = changed(find(arguments.recipe), change)
        if arguments.learning_rate is not None:
            recipe = trained_by(recipe, recipe.training.optimizer, arguments.learning_rate)
        bits, seconds = first_steps(recipe, arguments.steps)
        shown = ", ".join(f"{name}: {value}" for name, value in change.items())
        print(f"| {shown} | {bits:.3f} | {seconds:.0f} |", flush=True)


def arguments_of(text: str) -> dict[str, Any]:
    """Those that `text`, a YAML mapping without its braces, names."""
    return yaml.safe_load("{" + text + "}")


def changed(recipe: Recipe, change: dict[str, Any]) -> Recipe:
    """The recipe with other arguments of its model."""
    given = recipe.model.arguments | change
    return recipe.model_copy(update={"model": recipe.model.model_copy(update={"arguments": given})})


if __name__ == "__main__":
    main()
