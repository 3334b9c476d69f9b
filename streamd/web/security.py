"""What every response and every state-changing request passes through.

Headers follow OWASP ASVS 5, 3.4. The Origin check stops other sites from acting with a visitor's
device cookie (3.5): ``SameSite=Lax`` alone would let a sibling subdomain through. It holds for
every state-changing request, except on the routes marked ``acts_by_key``: those never look at a
cookie, and what a page cannot get by itself it cannot misuse.
"""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import urlsplit

from aiohttp import web

from streamd.errors import Forbidden
from streamd.web.device_cookies import give_device, in_foreign_frame
from streamd.web.language import COOKIE, LANGUAGES
from streamd.web.problems import Handler
from streamd.web.services import SERVICES, Services

Keyed = TypeVar("Keyed", bound=Handler)
_KEYED: set[object] = set()
_FRAMED: set[object] = set()

_LOOPBACK = ("localhost", "127.0.0.1", "::1", "[::1]")
_PLAIN_HEADERS = {
    "Server": "streamd",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), screen-wake-lock=(self)",
}


def feed_url(request: web.Request, services: Services) -> str:
    """The gateway's address as this visitor reaches it: ``ws://host:8081/connection/websocket``."""
    if services.config.feeds.public_url:
        return services.config.feeds.public_url
    scheme = "wss" if services.config.tls.cert else "ws"
    return f"{scheme}://{_host(request)}:{services.feed_port}/connection/websocket"


def rtmp_url(request: web.Request, services: Services) -> str | None:
    """Where this visitor's OBS sends to; None where RTMP is off or not to be reached from there."""
    rtmp, host = services.config.rtmp, _host(request)
    local = rtmp.host in _LOOPBACK and host not in _LOOPBACK
    if not rtmp.enabled or not rtmp.port or local:
        return None
    port = "" if rtmp.port == 1935 else f":{rtmp.port}"
    return f"rtmp://{host}{port}/live"


def _host(request: web.Request) -> str:
    """The name that the visitor knows this machine by, without a port."""
    try:
        host = urlsplit(f"//{request.host}").hostname or "localhost"
    except ValueError:
        host = "localhost"
    return f"[{host}]" if ":" in host else host


def own_origin(request: web.Request, services: Services) -> str:
    """The origin of our own pages, as this visitor sees them."""
    public = services.config.web.public_url
    return public.rstrip("/") if public else f"{request.scheme}://{request.host}"


@web.middleware
async def dressed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Adds headers to every response, and the device and language cookies to pages."""
    response = await handler(request)
    if response.prepared:
        return response
    response.headers.update(_PLAIN_HEADERS)
    if response.content_type == "text/html":
        _dress_page(request, response, request.app[SERVICES])
    return response


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses state-changing requests from somewhere else; see ``acts_by_key``."""
    changes = request.method not in ("GET", "HEAD", "OPTIONS")
    # What no route takes is told so (404, 405), wherever it comes from.
    unrouted = request.match_info.http_exception is not None
    if changes and not unrouted and request.match_info.handler not in _KEYED:
        check_origin(request, request.app[SERVICES])
    return await handler(request)


def acts_by_key(handler: Keyed) -> Keyed:
    """Marks a handler that acts by the request's Bearer alone, or checks the Origin itself."""
    _KEYED.add(handler)
    return handler


def may_be_framed(handler: Keyed) -> Keyed:
    """Marks a page that the pages of our own and of configured origins may show in a frame."""
    _FRAMED.add(handler)
    return handler


def check_origin(request: web.Request, services: Services) -> None:
    """Raises Forbidden unless the request comes from our own pages or a configured origin."""
    origin = request.headers.get("Origin")
    allowed = (own_origin(request, services), *services.config.feeds.origins)
    if origin not in allowed:
        raise Forbidden(
            "This request did not come from one of our pages. Open the page itself and try again."
        )


def _dress_page(request: web.Request, response: web.StreamResponse, services: Services) -> None:
    feed = urlsplit(feed_url(request, services))
    # Not every browser takes 'self' to mean our own WebSockets too.
    own = own_origin(request, services).replace("http", "ws", 1)
    response.headers["Content-Security-Policy"] = "; ".join(
        (
            "default-src 'self'",
            f"connect-src 'self' {own} {feed.scheme}://{feed.netloc}",
            "media-src 'self' blob:",
            "img-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            f"frame-ancestors {_ancestors(request, services)}",
        )
    )
    response.headers["Cache-Control"] = "no-store"
    secure = is_secure(request, services)
    give_device(request, response, secure)
    wished = request.query.get("lang")
    # What a frame's address says is its page's wish, not the visitor's.
    if wished in LANGUAGES and not in_foreign_frame(request):
        response.set_cookie(COOKIE, wished, max_age=31_536_000, samesite="Lax", secure=secure)


def is_secure(request: web.Request, services: Services) -> bool:
    """Whether the visitor reaches us over HTTPS, by ourselves or by a proxy."""
    return request.secure or own_origin(request, services).startswith("https:")


def _ancestors(request: web.Request, services: Services) -> str:
    """Whose pages may frame this one (CSP 3, section 6.4.2): nobody's, unless it is marked."""
    if request.match_info.handler not in _FRAMED:
        return "'none'"
    return " ".join(("'self'", *services.config.feeds.origins))
