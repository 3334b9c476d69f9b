"""HLS (RFC 8216) from memory: playlists change, init and media segments do not."""

from __future__ import annotations

from aiohttp import web

from streamd.web.services import SERVICES

routes = web.RouteTableDef()

_CACHES = {
    # Playlists are asked for once a target duration; a shared cache must ask again each time.
    False: "no-cache",
    # A name never stands for other bytes, not after a restart either (RFC 9111, RFC 8246).
    True: "public, max-age=31536000, immutable",
}


@routes.get(r"/hls/{stream}/{name:[a-z0-9.-]{1,64}}")
async def resource(request: web.Request) -> web.Response:
    """A playlist, an initialisation segment or a media segment, by its name."""
    window = request.app[SERVICES].streams.get(request.match_info["stream"]).window
    try:
        found = window.resource(request.match_info["name"])
    except KeyError as error:
        raise web.HTTPNotFound from error
    return web.Response(
        body=found.body,
        headers={
            "Content-Type": found.content_type,
            "Cache-Control": _CACHES[found.immutable],
        },
    )
