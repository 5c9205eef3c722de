"""The command that serves a model on this machine."""

from __future__ import annotations

import os
import pathlib
from typing import Annotated

import typer


def serve(
    name: Annotated[
        str, typer.Argument(help="An entry, or the path of one, or of an exported model.")
    ],
    host: Annotated[
        str, typer.Option(help="Where to listen: by default on this machine alone.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: any that is free.", min=0, max=65535)] = 8501,
    max_body: Annotated[int, typer.Option(help="Bytes that a request may have.", min=1)] = 2**24,
) -> None:
    """Answer TensorFlow Serving's REST API, to try it out; production is TensorFlow Serving."""
    from tfflows import saved_model

    name, path = _find(name)
    saved_model.verify(path)
    try:
        from zoo.serving import run
    except ModuleNotFoundError as error:
        raise ValueError(f"There is no {error.name}: pip install 'tfflows[serve]'.") from error
    run(name, path, host, port, max_body)


def _find(name):
    from zoo import registry

    path = pathlib.Path(os.path.abspath(registry.path(name)))  # not what links lead to
    if not path.name.isdecimal():
        raise ValueError(f"{path} should be NAME/VERSION, the version a number.")
    return path.parent.name, path
