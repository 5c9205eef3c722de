"""TensorFlow Serving's REST API, over one model."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from zoo.serving.batcher import Batcher
from zoo.serving.body import read_body
from zoo.serving.refusal import Refusal
from zoo.serving.request import Request
from zoo.serving.served_model import ServedModel

MODEL = "/v1/models/{name}"
VERSION = MODEL + "/versions/{version:int}"
MAX_BODY = 16 * 2**20
SECONDS = 60.0
MUCH = 10_000
"""Bytes, or numbers, from which on a change of threads costs less than the others' waiting."""


def make_app(model: ServedModel, max_body: int = MAX_BODY, seconds: float = SECONDS) -> Starlette:
    """An ASGI application that answers `:predict`, the status and the metadata of a model.

    Args:
        model: the model.
        max_body: bytes of a request.
        seconds: that a client has to send them.
    """
    batcher = Batcher(model)

    async def predict(http: HttpRequest) -> Response:
        _check_is_served(http, model)
        body = await read_body(http, max_body, seconds)
        request = await _call(len(body), Request.parse, body, model)
        outputs = await batcher.run(request.signature, request.inputs)
        numbers = sum(value.size for value in outputs.values())
        answer = await _call(numbers, request.answer, outputs)
        return Response(answer, media_type="application/json")

    async def status(http: HttpRequest) -> Response:
        _check_is_served(http, model)
        return JSONResponse(model.status())

    async def metadata(http: HttpRequest) -> Response:
        _check_is_served(http, model)
        return JSONResponse(model.metadata())

    @contextlib.asynccontextmanager
    async def lifespan(app):
        yield
        batcher.close()

    routes = [
        route
        for path in (VERSION, MODEL)
        for route in (
            Route(f"{path}:predict", predict, methods=["POST"]),
            Route(f"{path}/metadata", metadata),
            Route(path, status),
        )
    ]
    handlers = {
        Refusal: _refused,
        HTTPException: _malformed,
        ClientDisconnect: _gone,
        Exception: _failed,
    }
    return Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan)


async def _call(size, function, *arguments):
    """In a thread where it's much: JSON of megabytes takes longer than others should wait."""
    if size < MUCH:
        return function(*arguments)
    return await asyncio.to_thread(function, *arguments)


def _check_is_served(http, model):
    name, version = http.path_params["name"], http.path_params.get("version")
    if ":" in name:  # a verb of POST
        raise Refusal(_malformed_message(http), 405)
    if name != model.name or version not in (None, model.version):
        which = f"Latest({name})" if version is None else f"Specific({name}, {version})"
        raise Refusal(f"Servable not found for request: {which}", 404)


def _error(message, status):
    return JSONResponse({"error": message}, status)


async def _refused(http, refusal):
    return _error(str(refusal), refusal.status)


async def _malformed(http, error):
    return _error(_malformed_message(http), error.status_code)


def _malformed_message(http):
    return f"Malformed request: {http.method} {http.url.path}"


async def _gone(http, error):
    return _error("The client has gone", 400)


async def _failed(http, error):
    logging.getLogger(__name__).error("a request failed", exc_info=error)
    return _error(f"{type(error).__name__}: {error}".splitlines()[0], 500)
