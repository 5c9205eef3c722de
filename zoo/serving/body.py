"""The body of a request, of which there may be too much."""

from __future__ import annotations

import asyncio

import starlette.requests

from zoo.serving.refusal import Refusal

DRAINED = 16
"""How many times the limit is read, and thrown away, so that a client that sends first and reads
afterwards gets to read why."""


async def read_body(request: starlette.requests.Request, limit: int, seconds: float) -> bytes:
    """All of the body.

    Args:
        request: of Starlette.
        limit: in bytes.
        seconds: that the client has to send it.

    Raises:
        Refusal: it's more, or takes longer.
    """
    too_much = Refusal(f"Request body should be at most {limit} bytes", 413)
    declared = request.headers.get("content-length", "")
    waits = request.headers.get("expect", "").lower() == "100-continue"
    if waits and declared.isdecimal() and int(declared) > limit:
        raise too_much
    try:
        body = await asyncio.wait_for(_read(request, limit), seconds)
    except asyncio.TimeoutError as error:
        raise Refusal(f"Request body should come within {seconds} seconds", 408) from error
    if body is None:
        raise too_much
    return body


async def _read(request, limit):
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        parts.append(part)
        if size > limit:
            parts.clear()
        if size > DRAINED * limit:
            break
    return None if size > limit else b"".join(parts)
