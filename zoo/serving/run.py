"""The local server."""

from __future__ import annotations

import pathlib
import sys

import uvicorn

from zoo.serving.app import MAX_BODY, make_app
from zoo.serving.served_model import ServedModel

NOTE = "for trying out; in production it is TensorFlow Serving that serves this directory"
STOP_SECONDS = 30


def run(name: str, path: pathlib.Path, host: str, port: int, max_body: int = MAX_BODY) -> None:
    """Serves a SavedModel until it is told to stop, and then what has been asked already.

    Args:
        name: of the model.
        path: of the SavedModel.
        host, port: where it listens; port 0: any that is free.
        max_body: bytes of a request.
    """
    model = ServedModel(name, path)
    config = uvicorn.Config(
        make_app(model, max_body),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    socket = config.bind_socket()
    model.warm_up()
    url = f"http://{host}:{socket.getsockname()[1]}/v1/models/{name}"
    _Server(config, f"{url}:predict ({NOTE})").run(sockets=[socket])


class _Server(uvicorn.Server):
    """Says where it listens once it does."""

    def __init__(self, config, greeting):
        super().__init__(config)
        self._greeting = greeting

    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(self._greeting, file=sys.stderr, flush=True)
