"""The command line: `python -m zoo COMMAND`."""

from __future__ import annotations

import contextlib
import io
import json
import pathlib
import sys
from typing import Annotated, Any

import numpy as np
import typer

from zoo.cost_command import cost
from zoo.export_again import export_again
from zoo.launch import launch
from zoo.serve import serve

app = typer.Typer(
    help="Pretrained normalizing flows: what there is, how it was made, how good it is.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

UsageError = typer.BadParameter.__base__  # which typer itself does not name

Name = Annotated[str, typer.Argument(help="An entry; see `list`. Or the path of one's own.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Seed = Annotated[
    int, typer.Option(help="The same seed gives the same samples.", min=0, max=2**31 - 1)
]
FIGURES = "log_prob", "log_prob_2se", "gaussian_log_prob", "bits_per_dim", "bits_per_dim_2se"
BATCH = 1000  # samples drawn at once, which take memory together
STOPPED = "stopped: the same command, without --fresh, goes on from the last validation"
OUTPUT = "The directory of the entries; it gets NAME/1, NAME/README.md and NAME/training.csv."


app.command()(cost)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(launch)
app.command()(export_again)
app.command()(serve)


def main() -> None:
    """Runs the command line; an error that a user can mend is one line, and exit code 1 or 2."""
    try:
        sys.exit(app(sys.argv[1:] or ["--help"], standalone_mode=False))
    except UsageError as error:
        message, code = error.format_message(), 2
    except (ValueError, OSError, FloatingPointError) as error:
        message, code = str(error), 1
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)


@app.command("list")
def list_entries(as_json: Json = False) -> None:
    """The entries, with their log-density (images: bits per dimension) on held-out data."""
    from zoo import registry

    entries = [_row(metadata) for metadata in registry.trained().values()]
    if as_json:
        typer.echo(json.dumps(entries))
        return
    for row in entries:
        figure, error, unit = row["log_prob"], row["log_prob_2se"], "nats"
        if "bits_per_dim_2se" in row:
            figure, error, unit = row["bits_per_dim"], row["bits_per_dim_2se"], "bits/dim"
        what = f"{row['name']:22} {row['data']:14} {row['parameters']:>9,}"
        typer.echo(f"{what} {figure:9.3f} ± {error:.3f} {unit}")


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """The card of an entry, or (--json) what its artifact says of itself."""
    from zoo import registry

    typer.echo(json.dumps(registry.metadata(name)) if as_json else registry.card(name))


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="A recipe of the zoo, or the path of a YAML file.")],
    output: Annotated[pathlib.Path, typer.Option(help=OUTPUT)] = pathlib.Path("saved_models"),
    runs: Annotated[
        pathlib.Path, typer.Option(help="For the state of training and the TensorBoard logs.")
    ] = pathlib.Path("runs"),
    resume: Annotated[
        bool, typer.Option("--resume/--fresh", help="Go on where an earlier run was stopped.")
    ] = True,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="A trained entry, its name or path, to go on from, where no run is there to be "
            "resumed: the recipe adds `restarts` and `epochs` to that entry's.",
        ),
    ] = None,
    mixed_precision: Annotated[
        bool | None,
        typer.Option(
            help="Networks in bfloat16. Default: if the recipe says so, on machines that are fast "
            "at it."
        ),
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(
            help="none, one_device, mirrored, multi_worker (by TF_CONFIG), or auto: as TF_CONFIG "
            "and the GPUs there are suggest."
        ),
    ] = "auto",
    devices: Annotated[
        int | None, typer.Option(help="Of this machine. Default: all GPUs, or else the CPU.")
    ] = None,
    jit: Annotated[
        bool | None, typer.Option("--jit/--no-jit", help="XLA. Default: on one GPU, not on CPUs.")
    ] = None,
    batch_parts: Annotated[
        int,
        typer.Option(
            min=1,
            help="Parts of a batch that the cores of a processor work on side by side; with "
            "TF_NUM_INTRAOP_THREADS=1 in the environment, as many as it has cores.",
        ),
    ] = 1,
    as_json: Json = False,
) -> None:
    """Train an entry by its recipe, evaluate it, and write its artifact and card."""
    from zoo.strategies import make_strategy

    distribution = make_strategy(strategy, devices)  # before a recipe starts TensorFlow
    from zoo import recipe as recipes
    from zoo.train import train as run

    checked = recipes.find(recipe)
    entry = output / checked.name
    with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):
        try:
            metadata = run(
                checked,
                entry,
                work=runs / checked.name,
                fresh=not resume,
                start=start,
                mixed_precision=mixed_precision,
                strategy=distribution,
                jit=jit,
                batch_parts=batch_parts,
            )
        except KeyboardInterrupt:
            typer.echo(STOPPED, err=True)
            raise
    _print(metadata["metrics"], as_json)


@app.command()
def evaluate(name: Name, as_json: Json = False) -> None:
    """Mean log-density of held-out data by its card's protocol; and that of a Gaussian."""
    from zoo import registry
    from zoo.evaluate import evaluate as run
    from zoo.evaluate import protocol

    recipe = _recipe(name)
    data = recipe.data.load()
    model = registry.load(name)
    figures = run(model, data, recipe.evaluation)
    _print(figures, as_json)
    if not as_json:
        typer.echo(protocol(data, recipe.evaluation, model))


@app.command()
def sample(
    name: Name,
    n: Annotated[int, typer.Option("-n", help="How many.", min=1)] = 10,
    label: Annotated[int | None, typer.Option(help="The class, where there are classes.")] = None,
    temperature: Annotated[float, typer.Option(help="Below 1: nearer the modes.", min=0)] = 1.0,
    seed: Seed = 0,
    output: Annotated[pathlib.Path | None, typer.Option(help="A .npy file.")] = None,
    as_json: Json = False,
) -> None:
    """Draw samples, as CSV (standard output), JSON, or a .npy file."""
    from zoo import registry

    if output is not None and output.suffix != ".npy":
        raise ValueError(f"`--output` should end in .npy. Received: {output}.")
    model = registry.load(name)
    condition = None if label is None else np.array([label])
    batches = (
        np.asarray(model.sample(min(BATCH, n - start), condition, temperature, (i, seed)))
        for i, start in enumerate(range(0, n, BATCH))
    )
    if output is not None:
        _save(output, np.concatenate(list(batches)))
    elif as_json:
        typer.echo(json.dumps(np.concatenate(list(batches)).tolist()))
    else:
        for rows in batches:
            np.savetxt(sys.stdout, rows.reshape(len(rows), -1), fmt="%.6g", delimiter=",")


@app.command()
def export(
    name: Name,
    directory: Annotated[pathlib.Path, typer.Argument(help="Gets the SavedModel; must not exist.")],
) -> None:
    """Copy the artifact of an entry, verified: a SavedModel to be served, loaded or trained on."""
    import shutil

    from tfflows import saved_model
    from tfflows.check_path import check_path
    from tfflows.whole_directory import whole_directory
    from zoo import registry

    check_path(directory)
    source = registry.path(name)
    saved_model.verify(source)
    if directory.exists():
        raise FileExistsError(f"{directory} exists; give another one, such as the next version.")
    with whole_directory(directory) as temporary:
        shutil.copytree(source, temporary, dirs_exist_ok=True)
    typer.echo(str(directory))


@app.command()
def plot(
    name: Name,
    output: Annotated[
        pathlib.Path | None,
        typer.Argument(help="With --kind a file (.png, .svg, .pdf), else a directory."),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="density (2-D entries); samples, interpolations, nearest_neighbours, pixel_values "
            "(images); training (the learning curve). All that there are if not given."
        ),
    ] = None,
    seed: Seed = 0,
) -> None:
    """Draw the pictures of an entry, by default into plots/NAME."""
    from zoo import registry
    from zoo.data.known import check_known
    from zoo.plots import pictures

    model, recipe = registry.load(name), _recipe(name)
    data, log = recipe.data.load(), registry.path(name).parent / "training.csv"
    known = [k for k in pictures.kinds(data, model) if k != pictures.TRAINING or log.is_file()]
    if kind is not None:
        check_known(f"kind of plot of {name}", kind, known)
    elif output is not None and output.suffix and not output.is_dir():
        raise ValueError(f"{output} is a file: say what it shows with --kind {'|'.join(known)}.")
    directory = pathlib.Path("plots") / log.parent.name
    if kind is None:
        directory, output = output or directory, None
    for each in [kind] if kind else known:
        file = output or directory / f"{each}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        pictures.draw(each, model, data, log, file, seed, recipe.training.flip)
        typer.echo(str(file))


def _save(path: pathlib.Path, samples: np.ndarray) -> None:
    from zoo.replace import replace

    content = io.BytesIO()
    np.save(content, samples, allow_pickle=False)
    replace(path, content.getvalue())


def _recipe(name: str):
    from zoo import registry
    from zoo.recipe import recorded

    return recorded(registry.metadata(name), name)


def _row(metadata: dict[str, Any]) -> dict[str, Any]:
    recipe, metrics = metadata["recipe"], metadata["metrics"]
    return {
        "name": recipe["name"],
        "model": recipe["model"]["class"],
        "data": recipe["data"]["name"],
        "parameters": metadata["parameters"],
        **{key: metrics[key] for key in FIGURES if key in metrics},
    }


def _print(figures: dict[str, float], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(figures))
        return
    for key, value in figures.items():
        typer.echo(f"{key:24} {value:,}" if isinstance(value, int) else f"{key:24} {value:.4f}")
