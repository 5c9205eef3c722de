"""The card of an entry: README.md beside its artifact, written from the artifact's metadata."""

from __future__ import annotations

import pathlib
from typing import Any

import yaml

import zoo.data
from zoo.resume import replace

CARD = """\
# {name}

{what}
{picture}
## Figures

| model | {split} log-density (nats) |
| --- | --- |
| **{name}** | **{log_prob:.3f} ± {log_prob_2se:.3f}** |
| Gaussian of full covariance{per_class} | {gaussian_log_prob:.3f} ± {gaussian_log_prob_2se:.3f} |

Protocol: {protocol}. Two standard errors of the difference, row by row: {difference_2se:.3f}.{bits}
Both rows are computed by

    python -m zoo evaluate {name}

## Training

    {command}

takes the recipe below; it took {time} (wall clock, and other work may have run beside it) on \
{hardware}. The seed is {seed}; of \
{validations} validations the best was number {best_epoch} ({val_nll:.3f} nats negative \
log-likelihood), whose weights these are. `training.csv` is the log. Versions: {versions}.

```yaml
{recipe}```

## Data and licence

{data}: {description} Source: {source}. Licence of the data: {licence}. The weights: Apache-2.0.

## Limits

{limits}

## Loading

```python
import zoo

model = zoo.load("{name}")  # a Keras model: sample, log_prob, encode, decode, fit
```

```python
import tfflows

model = tfflows.load("saved_models/{name}/{version}")
```

```python
import tensorflow as tf

signatures = tf.saved_model.load("saved_models/{name}/{version}").signatures  # without tfflows
```
"""

MODELS = {
    "RealNVP": "RealNVP (Dinh et al. 2017)",
    "MAF": "masked autoregressive flow (Papamakarios et al. 2017)",
    "IAF": "inverse autoregressive flow (Kingma et al. 2016)",
    "NeuralSplineFlow": "neural spline flow (Durkan et al. 2019)",
}


def write_card(entry: pathlib.Path, metadata: dict[str, Any], version: str = "1") -> None:
    """Writes `entry/README.md`; `entry/density.png` is shown if it is there."""
    text = card_text(metadata, version, picture=(entry / "density.png").exists())
    replace(entry / "README.md", text.encode())


def card_text(metadata: dict[str, Any], version: str = "1", picture: bool = False) -> str:
    """The card of the artifact with this metadata, in Markdown."""
    recipe, metrics = metadata["recipe"], metadata["metrics"]
    data = zoo.data.load(recipe["data"]["name"])
    labels = recipe["data"]["labels"]
    training = recipe["training"]
    given = f", given one of {data.num_classes} classes" if labels else ""
    dimensions = "x".join(map(str, data.event_shape))
    return CARD.format(
        **metrics,
        **{key: metadata[key] for key in ("protocol", "command", "hardware", "seed")},
        name=recipe["name"],
        what=(
            f"A {MODELS[recipe['model']['class']]} of the {dimensions} dimensions of "
            f"`{data.name}`{given}; {metadata['parameters']:,} parameters."
        ),
        picture="\n![density and samples](density.png)\n" if picture else "",
        split=recipe["evaluation"]["split"],
        per_class=", one mean a class" if labels else "",
        bits=_bits(metrics),
        time=f"{60 * metadata['hours']:.1f} minutes",
        validations=training["epochs"] // training["epochs_per_validation"],
        versions=", ".join(f"{name} {version}" for name, version in metadata["versions"].items()),
        recipe=yaml.safe_dump(recipe, sort_keys=False),
        data=data.name,
        description=data.description,
        source=data.source,
        licence=data.licence,
        limits=_limits(data),
        version=version,
    )


def _bits(metrics: dict[str, float]) -> str:
    if "bits_per_dim" not in metrics:
        return ""
    return f" The model's bound is {metrics['bits_per_dim']:.3f} bits per dimension."


def _limits(data: zoo.data.DataSet) -> str:
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
