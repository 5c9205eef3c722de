"""What Muon buys in the first steps of a recipe: ``python -m benchmarks.optimizers``.

A recipe's model learns for as many steps by Adam and by Muon (`tfflows.KernelMuon`), at several
learning rates, which rise for a fifth of the steps and fall to zero along a cosine; all else is the
recipe's, but no average of weights. Bits per dimension are of 500 images held out.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
from benchmarks import command_line
from benchmarks.first_steps import first_steps
from zoo.recipe import Recipe, find

RATES = {"adam": [3e-3, 1e-2], "muon": [1e-2, 2e-2]}


def main() -> None:
    parser = command_line.parser("optimizers", __doc__)
    names = ["pixelcnnpp_local_cifar10_kernel_7", "pixelcnnpp_mnist_logistics", "glow_mnist"]
    parser.add_argument("--recipes", nargs="+", default=names)
    parser.add_argument("--steps", type=int, default=600)
    for optimizer, rates in RATES.items():
        parser.add_argument(f"--{optimizer}", nargs="*", type=float, default=rates, metavar="RATE")
    arguments = parser.parse_args()
    print(f"{arguments.steps} steps\n")
    print("| recipe | optimizer | learning rate | bits/dim | CPU seconds |")
    print("| --- | --- | ---: | ---: | ---: |")
    for name in arguments.recipes:
        for optimizer in RATES:
            for rate in getattr(arguments, optimizer):
                recipe = trained_by(find(name), optimizer, rate)
                bits, seconds = first_steps(recipe, arguments.steps)
                row = f"| {name} | {optimizer} | {rate:g} | {bits:.3f} | {seconds:.0f} |"
                print(row, flush=True)


def trained_by(recipe: Recipe, optimizer: str, rate: float) -> Recipe:
    changes = {"optimizer": optimizer, "learning_rate": rate}
    return recipe.model_copy(update={"training": recipe.training.model_copy(update=changes)})


if __name__ == "__main__":
    main()
