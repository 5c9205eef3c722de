"""Writes the table of entries in README.md anew: `python -m zoo.readme_table`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import zoo.data
from zoo import registry

BEGIN, END = "<!-- zoo -->", "<!-- /zoo -->"
HEAD = (
    "| entry | model | data | parameters | test log-density (nats) | Gaussian, same rows |\n"
    "| --- | --- | --- | ---: | ---: | ---: |"
)
IMAGE_HEAD = (
    "| images | model | data | parameters | test bits/dim | tightened | a published figure |\n"
    "| --- | --- | --- | ---: | ---: | ---: | --- |"
)


def table() -> str:
    """The entries in Markdown, from what their artifacts say of themselves; images apart."""
    entries = registry.trained().values()
    images = [row(data) for data in entries if _is_image(data)]
    vectors = [row(data) for data in entries if not _is_image(data)]
    parts = ["\n".join([HEAD, *vectors])] + (["\n".join([IMAGE_HEAD, *images])] if images else [])
    return "\n\n".join(parts)


def row(metadata: dict[str, Any]) -> str:
    """One line of a table."""
    recipe = metadata["recipe"]
    name = recipe["name"]
    cells = [
        f"[{name}](saved_models/{name}/README.md)",
        recipe["model"]["class"],
        recipe["data"]["name"],
        f"{metadata['parameters']:,}",
        *(_image_figures if _is_image(metadata) else _vector_figures)(metadata),
    ]
    return f"| {' | '.join(cells)} |"


def _vector_figures(metadata: dict[str, Any]) -> list[str]:
    metrics = metadata["metrics"]
    keys = "log_prob", "gaussian_log_prob"
    return [f"{metrics[key]:.3f} ± {metrics[f'{key}_2se']:.3f}" for key in keys]


def _image_figures(metadata: dict[str, Any]) -> list[str]:
    """Ours, with one sample of the noise and with several, and the first yardstick."""
    metrics, recipe = metadata["metrics"], metadata["recipe"]
    ours = f"{metrics['bits_per_dim']:.3f} ± {metrics['bits_per_dim_2se']:.3f}"
    tightened = ""
    if "importance_bits_per_dim" in metrics:
        samples = recipe["evaluation"]["num_importance_samples"]
        tightened = f"{metrics['importance_bits_per_dim']:.3f} ({samples})"
    yardsticks = "".join(f"{y['name']}: {y['figure']:g}" for y in recipe["yardsticks"][:1])
    return [ours, tightened, yardsticks or "none known"]


def _is_image(metadata: dict[str, Any]) -> bool:
    return zoo.data.load(metadata["recipe"]["data"]["name"]).is_image


def replaced(page: str) -> str:
    """The page with the table between its markers written anew.

    Raises:
        ValueError: a marker is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"The page needs the markers {BEGIN} and {END}, in this order.")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path, nargs="?", default=Path("README.md"))
    page = parser.parse_args().page
    page.write_text(replaced(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
