"""HLS (RFC 8216, low latency as in draft-pantos-hls-rfc8216bis) from memory.

No cookie and no session: an answer depends on its address alone, so any cache may stand in front.
A name of a part, a segment or an initialisation segment never stands for other bytes. A playlist
that was waited for is cached for as long as it is of use to whoever asks for the same place; any
other for a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Protocol

from aiohttp import web

from streamd.errors import UnknownStream
from streamd.relay.errors import BadDirective
from streamd.relay.hls import Hls
from streamd.relay.hls_directives import Unreadable, parse
from streamd.relay.streams import Streams
from streamd.web.front import Answer
from streamd.web.made import Made, date_line, head
from streamd.web.problems import Refusal, problem
from streamd.web.vod_texts import takes_gzip

routes = web.RouteTableDef()

FOREVER: Final = "public, max-age=31536000, immutable"
AWAITED: Final = "public, max-age=6"
BRIEF: Final = "public, max-age=1"

PREFIX: Final = b"/hls/"


class Windows(Protocol):
    """Every stream's HLS, by the stream's id."""

    def get(self, stream_id: str) -> Hls:
        """Raises UnknownStream."""


WINDOWS: Final = web.AppKey("windows", Windows)

_UNKNOWN = Refusal(404, "not_found", "Not found", (("Cache-Control", BRIEF),))


@routes.get(r"/hls/{stream}/{name:[a-z0-9.-]{1,64}}")
async def resource(request: web.Request) -> web.StreamResponse:
    """A playlist, an initialisation segment, a segment or a part, by its name."""
    stream, name = request.match_info["stream"], request.match_info["name"]
    try:
        window = request.app[WINDOWS].get(stream)
        if name.endswith(".m3u8"):
            return await _playlist(request, window, stream, name)
        try:
            found = window.resource(name)
        except KeyError:
            found = await window.part(name)
    except (KeyError, UnknownStream):
        return problem(_UNKNOWN, "There is nothing at this address now.")
    body = found.body
    return Made(_forever(found.content_type, len(body)), body)


class Relayed:
    """The windows of this process's own streams."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def get(self, stream_id: str) -> Hls:
        """See Windows."""
        return self._streams.get(stream_id).window.hls


def ready(windows: Windows) -> Answer:
    """Answers for what never changes and is here already: parts, segments, their beginnings.

    Whatever else is below ``PREFIX`` goes the ordinary way, to ``resource``.
    """

    def answer(path: bytes) -> Sequence[bytes | memoryview] | None:
        try:
            _, _, stream, name = path.decode("ascii").split("/")
            found = None if name.endswith("m3u8") else windows.get(stream).resource(name)
        except (KeyError, ValueError, UnknownStream):
            return None
        if found is None or not found.immutable:
            return None
        body = found.view
        return _forever(found.content_type, len(body)), date_line(), body

    return answer


async def _playlist(
    request: web.Request, window: Hls, stream: str, name: str
) -> web.StreamResponse:
    try:
        directives = parse(request.query)
    except Unreadable as error:
        raise BadDirective(str(error), stream) from error
    found = await window.playlist(name, directives)
    awaited = directives.msn is not None and not window.ended
    headers = {
        "Content-Type": found.content_type,
        "Cache-Control": AWAITED if awaited else BRIEF,
        "Vary": "Accept-Encoding",
    }
    body = found.body
    if takes_gzip(request):
        body = found.compressed
        headers["Content-Encoding"] = "gzip"
    return Made(head(len(body), headers), body)


@lru_cache(maxsize=4096)
def _forever(content_type: str, size: int) -> bytes:
    return head(size, {"Content-Type": content_type, "Cache-Control": FOREVER})
