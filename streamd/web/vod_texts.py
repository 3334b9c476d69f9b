"""Playlists and captions of recordings as answers."""

from __future__ import annotations

from aiohttp import web

from streamd.media import playlist
from streamd.recording.storage import Shelf
from streamd.recording.written import Text, pack


async def of_shelf(shelf: Shelf, path: str) -> Text:
    """A file of text. Read and packed in the same thread."""
    return await shelf.lend(lambda: pack(shelf.storage.read(path)))


def answer(
    request: web.Request, text: Text, caching: str, content_type: str = playlist.CONTENT_TYPE
) -> web.Response:
    """A playlist; that of a long recording is mostly repetition, so it travels packed."""
    headers = {
        "Content-Type": content_type,
        "Cache-Control": caching,
        "Vary": "Accept-Encoding",
    }
    if not takes_gzip(request):
        return web.Response(body=text.plain, headers=headers)
    return web.Response(body=text.packed, headers={**headers, "Content-Encoding": "gzip"})


def takes_gzip(request: web.Request) -> bool:
    """RFC 9110 section 12.5.3; where gzip stands itself, "*" says nothing about it."""
    said: dict[str, bool] = {}
    for coding in request.headers.get("Accept-Encoding", "").lower().split(","):
        name, _, weight = coding.partition(";")
        said[name.strip()] = weight.replace(" ", "").rstrip("0") not in ("q=", "q=0.")
    return said.get("gzip", said.get("*", False))
