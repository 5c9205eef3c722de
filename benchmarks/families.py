"""What a family of couplings buys in the first steps: ``python -m benchmarks.families``.

A recipe's Glow learns for as many steps with couplings of each family; the learning rate rises for
a fifth of the steps and falls to zero along a cosine; all else is the recipe's, but no average of
weights. Bits per dimension are of 500 images held out.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
from benchmarks import command_line
from benchmarks.first_steps import first_steps
from zoo.recipe import Recipe, find

FAMILIES = ["affine", "rational_quadratic_spline", "mixture_of_logistics"]


def main() -> None:
    parser = command_line.parser("families", __doc__)
    parser.add_argument("--recipe", default="glow_mnist")
    parser.add_argument("--families", nargs="+", default=FAMILIES)
    parser.add_argument("--steps", type=int, default=2000)
    arguments = parser.parse_args()
    print(f"{arguments.recipe}, {arguments.steps} steps\n")
    print("| family | bits/dim | CPU seconds |")
    print("| --- | ---: | ---: |")
    for family in arguments.families:
        recipe = with_family(find(arguments.recipe), family)
        bits, seconds = first_steps(recipe, arguments.steps)
        print(f"| {family} | {bits:.3f} | {seconds:.0f} |", flush=True)


def with_family(recipe: Recipe, family: str) -> Recipe:
    given = recipe.model.arguments | {"family": family}
    return recipe.model_copy(update={"model": recipe.model.model_copy(update={"arguments": given})})


if __name__ == "__main__":
    main()
