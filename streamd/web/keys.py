"""``/api/v1/keys/me``: what the key of a request may do, so that a page shows no more than that."""

from __future__ import annotations

from aiohttp import web

from streamd.errors import Unauthenticated
from streamd.web.json_bodies import reply
from streamd.web.services import SERVICES, bearer

routes = web.RouteTableDef()


@routes.get("/api/v1/keys/me")
async def own_key(request: web.Request) -> web.Response:
    """``{"id", "scope", "stream", "label"}`` of the key that is sent; ``stream`` null: of all."""
    key = bearer(request)
    if key is None:
        raise Unauthenticated("This needs a key. Send it as “Authorization: Bearer KEY”.")
    record = await request.app[SERVICES].keys.record(key)
    row = {
        "id": record.id,
        "scope": record.scope,
        "stream": record.stream or None,
        "label": record.label,
    }
    return reply(row)
