"""HLS (RFC 8216) from memory: playlists change, init and media segments never do."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from streamd.media.units import Kind
from streamd.relay.window import Window
from streamd.web.services import SERVICES

routes = web.RouteTableDef()

_PLAYLIST = "application/vnd.apple.mpegurl"
_SEGMENT = {"v": "video/mp4", "a": "audio/mp4"}
_CORS = {"Access-Control-Allow-Origin": "*"}


@routes.get("/hls/{stream}/index.m3u8")
async def multivariant(request: web.Request) -> web.Response:
    """The multivariant playlist."""
    return _playlist(_window(request).multivariant_playlist)


@routes.get("/hls/{stream}/{kind:[va]}.m3u8")
async def media(request: web.Request) -> web.Response:
    """One track's media playlist."""
    return _playlist(lambda: _window(request).media_playlist(_kind(request)))


@routes.get(r"/hls/{stream}/{kind:[va]}/{gen:\d{1,9}}/init.mp4")
async def initialisation(request: web.Request) -> web.Response:
    """A track's initialisation segment."""
    gen = int(request.match_info["gen"])
    return _segment(request, lambda window, kind: window.init_segment(kind, gen))


@routes.get(r"/hls/{stream}/{kind:[va]}/{gen:\d{1,9}}/{sequence:\d{1,12}}.m4s")
async def segment(request: web.Request) -> web.Response:
    """One media segment."""
    gen, sequence = int(request.match_info["gen"]), int(request.match_info["sequence"])
    return _segment(request, lambda window, kind: window.segment(kind, gen, sequence))


def _window(request: web.Request) -> Window:
    return request.app[SERVICES].streams.get(request.match_info["stream"]).window


def _kind(request: web.Request) -> Kind:
    return "v" if request.match_info["kind"] == "v" else "a"


def _playlist(write: Callable[[], str]) -> web.Response:
    try:
        text = write()
    except KeyError as error:
        raise web.HTTPNotFound from error
    headers = {"Cache-Control": "no-cache", **_CORS}
    return web.Response(text=text, content_type=_PLAYLIST, headers=headers)


def _segment(request: web.Request, read: Callable[[Window, Kind], bytes]) -> web.Response:
    kind = _kind(request)
    try:
        body = read(_window(request), kind)
    except KeyError as error:
        raise web.HTTPNotFound from error
    headers = {"Cache-Control": "public, max-age=3600, immutable", **_CORS}
    return web.Response(body=body, content_type=_SEGMENT[kind], headers=headers)
