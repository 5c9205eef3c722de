"""Writes the table of entries in README.md anew: `python -m zoo.readme_table`."""

from __future__ import annotations

import argparse
from pathlib import Path

from zoo import registry

BEGIN, END = "<!-- zoo -->", "<!-- /zoo -->"
HEAD = (
    "| entry | model | data | parameters | test log-density (nats) | Gaussian, same rows |\n"
    "| --- | --- | --- | ---: | ---: | ---: |"
)


def table() -> str:
    """The entries in Markdown, from what their artifacts say of themselves."""
    return "\n".join([HEAD, *(row(name) for name in registry.names())])


def row(name: str) -> str:
    """One line of the table."""
    metadata = registry.metadata(name)
    recipe, metrics = metadata["recipe"], metadata["metrics"]
    figures = [
        f"{metrics[key]:.3f} ± {metrics[f'{key}_2se']:.3f}"
        for key in ("log_prob", "gaussian_log_prob")
    ]
    cells = [
        f"[{name}](saved_models/{name}/README.md)",
        recipe["model"]["class"],
        recipe["data"]["name"],
        f"{metadata['parameters']:,}",
        *figures,
    ]
    return f"| {' | '.join(cells)} |"


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
