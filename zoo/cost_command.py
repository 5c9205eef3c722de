"""`python -m zoo cost`."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import typer

WORKERS = (2, 4, 8, 16, 32, 64)


def cost(
    recipes: Annotated[list[str], typer.Argument(help="Recipes of the zoo, or YAML files.")],
    batch_size: Annotated[
        int | None, typer.Option(help="Of a worker. Default: the recipe's.", min=1)
    ] = None,
    bandwidth: Annotated[
        float, typer.Option(help="Of the network between workers, Gbit/s.", min=0.001)
    ] = 10.0,
    latency: Annotated[float, typer.Option(help="Of a message, microseconds.", min=0)] = 50.0,
    speed: Annotated[
        float | None,
        typer.Option(help="Of a worker, GFLOP/s, in place of what is measured here.", min=0.001),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """What a training step computes, holds and moves, and from when on workers wait for it."""
    from zoo.cost import Network, measure
    from zoo.recipe import find

    network = Network(bandwidth * 1e9 / 8, latency * 1e-6)
    costs, batches = {}, {}
    for recipe in map(find, recipes):
        batches[recipe.name] = recipe.training.batch_size
        taken = measure(recipe, batch_size)
        if speed is not None:
            taken = dataclasses.replace(taken, seconds=taken.flops / (speed * 1e9))
        costs[recipe.name] = taken
    if as_json:
        limits = {name: _limits(taken, network, batches[name]) for name, taken in costs.items()}
        typer.echo(json.dumps(limits))
        return
    typer.echo(f"{'a step':24} {'batch':>6} {'parameters':>11} {'all-reduced':>12} ", nl=False)
    typer.echo(f"{'GFLOP':>8} {'state':>9} {'step':>9} {'seconds':>8} {'GFLOP/s':>8}")
    for name, x in costs.items():
        step = "-" if x.step_bytes is None else _megabytes(x.step_bytes)
        typer.echo(
            f"{name:24} {x.batch_size:6} {x.parameters:11,} {_megabytes(x.reduced_bytes):>12} "
            f"{x.flops / 1e9:8.3f} {_megabytes(x.state_bytes):>9} {step:>9} {x.seconds:8.3f} "
            f"{x.flops / x.seconds / 1e9:8.1f}"
        )
    typer.echo(f"\nExamples of a worker below which it waits for a network of {bandwidth:g} Gbit/s")
    typer.echo("longer than it computes, by the number of workers N; and the most workers that do")
    typer.echo("not on the global batch of the recipe:")
    columns = "".join(f"{f'N={n}':>8}" for n in WORKERS)
    typer.echo(f"{'':24} {columns}   most N")
    for name, taken in costs.items():
        least = "".join(f"{network.least_batch(taken, n):8.1f}" for n in WORKERS)
        typer.echo(f"{name:24} {least}   {network.most_workers(taken, batches[name])}")


def _limits(taken, network, global_batch):
    least = {n: network.least_batch(taken, n) for n in WORKERS}
    most = network.most_workers(taken, global_batch)
    return dataclasses.asdict(taken) | {"least_batch": least, "most_workers": most}


def _megabytes(size):
    return f"{size / 1e6:.2f} MB"
