"""Which other sites' pages may read or send what (Fetch standard, CORS protocol).

Nothing here is decided by a cookie: keys and tokens travel in ``Authorization``, so ``*`` gives a
foreign page no more than any program has. A platform's pages get a connect token by its JWT or by
a code and vote with that; as no answer allows credentials, a device cookie is held to our pages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from aiohttp import web

from streamd.web.problems import Handler
from streamd.web.services import SERVICES

_VOTERS = re.compile(r"/api/v1/(polls/[^/]+/votes|token)")
_VOD_FILES = re.compile(r"/vod/[^/]+/.+")
_OFFERED = re.compile(r"/wh[ei]p/[^/]+")
_PUBLIC = {"Access-Control-Allow-Origin": "*"}
_WEBRTC = {
    **_PUBLIC,
    "Access-Control-Allow-Methods": "POST, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Expose-Headers": "Location, ETag, Link, Retry-After, Accept-Post, Accept-Patch",
}


@web.middleware
async def cors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers preflights and adds the headers to every answer, refusals included."""
    allowed = _allowed(request)
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        preflight = web.Response(status=204, headers=allowed)
        if _OFFERED.fullmatch(request.path):
            # As an OPTIONS without CORS (RFC 9725 section 4.2).
            preflight.headers["Accept-Post"] = "application/sdp"
        return preflight
    response = await handler(request)
    if not response.prepared:
        response.headers.update(allowed)
    return response


def _allowed(request: web.Request) -> Mapping[str, str]:
    path = request.path
    if path.startswith(("/whip/", "/whep/")):
        return _WEBRTC
    if path.startswith("/hls/") or _VOD_FILES.fullmatch(path):
        return _PUBLIC
    if _VOTERS.fullmatch(path):
        origin = request.headers.get("Origin", "")
        if origin not in request.app[SERVICES].config.feeds.origins:
            return {"Vary": "Origin"}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Vary": "Origin",
        }
    if path.startswith("/api/v1/") and request.method in ("GET", "HEAD"):
        return _PUBLIC
    return {}
