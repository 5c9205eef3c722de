"""The command that writes artifacts of entries anew."""

from __future__ import annotations

from typing import Annotated

import typer


def export_again(names: Annotated[list[str], typer.Argument(help="Entries; see `list`.")]) -> None:
    """Write artifacts of entries anew, with the signatures of today; the model stays as it is."""
    from tfflows import saved_model
    from zoo import registry
    from zoo.model_card import write_card
    from zoo.recipe import recorded

    for name in names:
        path, metadata = registry.path(name), registry.metadata(name)
        recorded(metadata, name)  # raises, as this does, before anything is written
        if not (log := path.parent / "training.csv").is_file():
            raise ValueError(f"{log} is missing, without which there is no card.")
        saved_model.export(registry.load(name), path, metadata)
        write_card(path.parent, metadata, path.name, registry.address(path.parent))
        typer.echo(str(path))
