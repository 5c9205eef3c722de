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
    model.warm_up()
    config = uvicorn.Config(
        make_app(model, max_body),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    _Server(config, f"/v1/models/{name}:predict ({NOTE})").run()


class _Server(uvicorn.Server):
    """Says where it listens once it does."""

    def __init__(self, config, greeting):
        super().__init__(config)
        self._greeting = greeting

    async def startup(self, sockets=None):
        await super().startup(sockets)
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            greeting = f"http://{self.config.host}:{port}{self._greeting}"
            print(greeting, file=sys.stderr, flush=True)
