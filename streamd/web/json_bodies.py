"""JSON in and out: one request body, one reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from aiohttp import web

from streamd.web.problems import BadRequest

Body = TypeVar("Body", bound=msgspec.Struct)


def reply(payload: object, status: int = 200, headers: Mapping[str, str] = {}) -> web.Response:
    """JSON that no cache keeps."""
    return web.Response(
        status=status,
        body=msgspec.json.encode(payload),
        content_type="application/json",
        headers={"Cache-Control": "no-store", **headers},
    )


async def read(request: web.Request, kind: type[Body]) -> Body:
    """The JSON body as ``kind``; BadRequest says what is wrong with it."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        return msgspec.json.decode(await request.read() or b"{}", type=kind)
    except RecursionError as error:
        raise BadRequest("The body is nested too deeply.") from error
    except msgspec.MsgspecError as error:
        raise BadRequest(f"The body is not what this address takes: {error}.") from error
