"""The card of an entry: README.md beside its artifact, written from the artifact's metadata."""

from __future__ import annotations

import json
import pathlib
import shlex
from collections.abc import Sequence
from typing import Any

import numpy as np
import yaml

import tfflows
import zoo.data
from zoo.card_figures import figures
from zoo.models import MODELS
from zoo.recipe import parse
from zoo.replace import replace

CARD = """\
# {name}

{what}
{pictures}
## Figures

{figures}
    python -m zoo evaluate {argument}

## Training

    {command}

takes the recipe below{file}; it took {time}{began} (wall clock, and other work may have run \
beside it) on {hardware}{precision}. The seed is {seed}; of \
{validations} validations the best was number {best_epoch} ({validated}), whose weights \
these are.{outlook} `training.csv` is the log. Versions: {versions}.

```yaml
{recipe}```

## Data and licence

{data}: {description} Source: {source}. Licence of the data: {licence}. The weights: Apache-2.0.

## Limits

{limits}
{more}
## Loading

```python
import zoo

model = zoo.load({where})  # a Keras model: {methods}
```

```python
import tfflows

model = tfflows.load({artifact})
```

```python
import tensorflow as tf

# without tfflows
signatures = tf.saved_model.load({artifact}).signatures
```
"""

TOP = {"density.png": "density and samples", "samples.png": "samples at three temperatures"}
MORE = {
    "interpolations.png": "interpolations in the latent space between test images",
    "nearest_neighbours.png": "samples, and the training images nearest to them",
    "pixel_values.png": "pixel values before and after dequantization",
    "training.png": "learning curve",
}
"""Pictures, and what they show: at the top of the card, and further down."""
AHEAD = 10
"""Hours for which the card says what they would buy."""

IMAGE_LIMITS = (
    "One training run, made on little compute. Figures compare with others of the same protocol "
    "only: in bits, a bound by uniform dequantization is higher than one by variational "
    "dequantization, and both are higher than an exact figure. A high likelihood is not a mark of "
    "the training data: such models may give more to images of other kinds (Nalisnick et al. "
    "2019). Samples show what is in the training images, mistakes and biases included."
)


COUPLINGS = {
    "additive": "additive",
    "rational_quadratic_spline": "rational-quadratic splines (Durkan et al. 2019)",
    "mixture_of_logistics": "mixtures of logistics (Ho et al. 2019)",
}


def write_card(
    entry: pathlib.Path, metadata: dict[str, Any], version: str = "1", where: str | None = None
) -> None:
    """Writes `entry/README.md`; it shows the pictures that are there.

    Args:
        entry: its directory.
        metadata, version, where: as in `card_text`.
    """
    size = sum(file.stat().st_size for file in (entry / version).rglob("*") if file.is_file())
    pictures = [name for name in [*TOP, *MORE] if (entry / name).exists()]
    log = np.genfromtxt(entry / "training.csv", delimiter=",", names=True, ndmin=1)
    data = zoo.data.load(metadata["recipe"]["data"]["name"])
    outlook = _outlook(log, data, metadata)
    text = card_text(metadata, size, version, pictures, outlook, len(log), where)
    replace(entry / "README.md", text.encode())


def card_text(
    metadata: dict[str, Any],
    size: int,
    version: str = "1",
    pictures: Sequence[str] = (),
    outlook: str = "",
    validations: int = 0,
    where: str | None = None,
) -> str:
    """The card of the artifact with this metadata, in Markdown.

    Args:
        metadata: as `zoo.train.describe` gives it.
        size: of the artifact, in bytes.
        version: of the artifact.
        pictures: files beside the card, some of `TOP` and `MORE`.
        outlook: what the end of the training brought, in words.
        validations: how many there were.
        where: what the zoo finds the entry by, if not by the recipe's name: its path.
    """
    recipe, metrics = metadata["recipe"], metadata["metrics"]
    data = zoo.data.load(recipe["data"]["name"])
    given = f", given one of {data.num_classes} classes" if recipe["data"]["labels"] else ""
    shape = "x".join(map(str, data.event_shape))
    kind = "images" if data.is_image else "dimensions"
    return CARD.format(
        **{key: metadata[key] for key in ("command", "hardware", "seed")},
        best_epoch=metrics["best_epoch"],
        name=recipe["name"],
        argument=shlex.quote(where or recipe["name"]),
        file=_file(metadata["command"]),
        where=_text(where or recipe["name"]),
        artifact=_text(f"{_place(recipe['name'], where)}/{version}"),
        what=(
            f"A {MODELS[recipe['model']['class']]} of the {shape} {kind} of "
            f"`{data.name}`{given}; {metadata['parameters']:,} parameters"
            f"{f', {size / 1e6:.1f} MB' if data.is_image else ''}."
            f"{_variant(recipe['model'])}"
        ),
        pictures=_pictures(TOP, pictures),
        figures=figures(metadata, data),
        precision=_precision(metadata),
        time=_time(metadata["hours"]),
        began=_began(recipe["training"].get("begins_with")),
        validations=validations,
        validated=_validated(metrics, data),
        versions=", ".join(f"{name} {version}" for name, version in metadata["versions"].items()),
        recipe=yaml.safe_dump(recipe, sort_keys=False),
        data=data.name,
        description=data.description,
        source=data.source,
        licence=data.licence,
        limits=_limits(data),
        more=_more(pictures),
        outlook=outlook,
        methods=_methods(recipe["model"]["class"]),
    )


def _place(name: str, where: str | None) -> str:
    return f"saved_models/{name}" if where in (None, name) else where


def _text(path: str) -> str:
    """As it stands in a program."""
    return json.dumps(path, ensure_ascii=False)


def _file(command: str) -> str:
    """Where a command expects the recipe, if it is not one of the zoo's."""
    name = command.split()[-1]
    return f", saved as `{name}`" if name.endswith(".yaml") else ""


def _variant(model: dict[str, Any]) -> str:
    """In what the model is not what its class is known for."""
    arguments, kind = model["arguments"], model["class"]
    is_pixel_cnn, is_glow, is_real_nvp = (
        kind == name for name in ("PixelCNNPlusPlus", "Glow", "MultiScaleRealNVP")
    )
    reach, alpha = arguments.get("first_kernel_size", 3) // 2, arguments.get("alpha")
    couplings = COUPLINGS.get(str(arguments.get("family")))
    in_paper = "none" if is_glow else "one of 0.05"
    is_own_logit = alpha is not None and (is_glow or alpha != 0.05)
    sentences = {
        f"Local: a pixel depends on those within {reach} rows and columns of it.": (
            is_pixel_cnn and arguments.get("kernel_size") == 1
        ),
        "There is no self-attention.": arguments.get("num_heads") == 0,
        f"Its couplings are {couplings}, not affine.": (is_glow or is_real_nvp) and couplings,
        "Its conditioners are residual networks, not three convolutions.": (
            is_glow and arguments.get("network") == "residual"
        ),
        "Before each coupling is an ActNorm, not a batch normalization.": (
            is_real_nvp and arguments.get("normalization") == "act"
        ),
        f"It begins with a logit of alpha {alpha}, where the paper has {in_paper}.": is_own_logit,
        "There was no dropout.": is_pixel_cnn and not arguments.get("dropout"),
    }
    return "".join(f" {sentence}" for sentence, holds in sentences.items() if holds)


def _began(entry: str | None) -> str:
    if entry is None:
        return ""
    return f", among them those that `{entry}` had had when this began with its weights"


def _outlook(log: np.ndarray, data: zoo.data.DataSet, metadata: dict[str, Any]) -> str:
    """What the end of the training bought, and, where that can be told, what more of it might.

    It can from the end of one run of the schedule to that of the next, or at a constant rate: what
    the fall of the rate buys within a run is bought once. Without the hours of the entry whose
    weights it began with.
    """
    training = parse(metadata["recipe"]).training
    hours = log["seconds"] / 3600 - metadata.get("hours_before", 0.0)
    best = np.fmin.accumulate(log["val_nll"]) / data.nats_per_bit
    ends = np.flatnonzero(np.isin(log["epoch"], training.cycles))[:-1]
    early = np.flatnonzero(hours <= hours[-1] * 2 / 3)
    if not (data.is_image and len(early)):
        return ""
    since = ends[-1] if len(ends) else early[-1]
    time, gained = _time(hours[-1] - hours[since]), best[since] - best[-1]
    more = ", the fall of the learning rate included."
    if len(ends) or training.schedule == "constant":
        pace = gained / np.log(hours[-1] / hours[since])
        more = (
            f"; at that pace, in the logarithm of the time, {AHEAD} hours more would bring "
            f"{pace * np.log1p(AHEAD / hours[-1]):.3f}, less where the curve levels off."
        )
    return (
        f" The last {f'run of the schedule ({time})' if len(ends) else time} brought {gained:.3f} "
        f"bits per dimension of it{more} To go on from these weights, add `restarts` and `epochs` "
        "to the recipe, and `--from` to the command."
    )


def _methods(model_class: str) -> str:
    is_flow = issubclass(getattr(tfflows, model_class), tfflows.FlowModel)
    return f"sample, log_prob, {'encode, decode, ' if is_flow else ''}fit"


def _pictures(titles: dict[str, str], files: Sequence[str]) -> str:
    return "".join(f"\n![{titles[name]}]({name})\n" for name in titles if name in files)


def _more(files: Sequence[str]) -> str:
    shown = _pictures(MORE, files)
    return f"\n## Pictures\n{shown}" if shown else ""


def _time(hours: float) -> str:
    return f"{hours:.1f} hours" if hours > 2 else f"{60 * hours:.1f} minutes"


def _precision(metadata: dict[str, Any]) -> str:
    wanted = metadata["recipe"]["model"]["arguments"].get("dtype")
    trained_in = metadata.get("dtype", wanted)
    if trained_in == "mixed_bfloat16":
        return ", networks in bfloat16"
    if trained_in is not None and "mixed_bfloat16" in trained_in:
        return ", networks in bfloat16 for a part of it"
    return ", all of it in float32" if wanted == "mixed_bfloat16" else ""


def _validated(metrics: dict[str, float], data: zoo.data.DataSet) -> str:
    if data.is_image:
        return f"{metrics['val_nll'] / data.nats_per_bit:.3f} bits per dimension"
    return f"{metrics['val_nll']:.3f} nats negative log-likelihood"


def _limits(data: zoo.data.DataSet) -> str:
    if data.is_image:
        return IMAGE_LIMITS
    limits = ["One training run, one split: figures compare within this zoo only."]
    if data.std is not None:
        limits.append(
            "The data are standardised; log-densities are those of the standardised columns, and "
            "samples are raw = mean + std * x with `mean` and `std` of `zoo.data.load`."
        )
    if data.true_log_prob is not None:
        limits.append("Where the true density is zero, the model's is small but not zero.")
    elif data.bin_width is not None:
        limits.append(
            "The data are rounded: densities are those of the data with uniform noise added. "
            "The network sees few rows, and its likelihood far from them means nothing."
        )
    return " ".join(limits)
