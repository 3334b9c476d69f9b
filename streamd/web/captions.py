"""Captions: the captioner's page, and the lines it sends."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
from aiohttp import web

from streamd.media import webvtt
from streamd.relay.stream import Stream
from streamd.web.json_bodies import read, reply
from streamd.web.pages import stream_page
from streamd.web.security import acts_by_key
from streamd.web.services import SERVICES, bearer, find_stream

routes = web.RouteTableDef()


Language = Annotated[str, msgspec.Meta(pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,3}$")]


class Announced(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``PUT /api/v1/streams/{id}/captions``; ``language`` is a BCP 47 tag."""

    language: Language


class NewCaption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``POST /api/v1/streams/{id}/captions``.

    ``at`` is the Unix time, on the broadcast's clock, of the picture seen when the line was begun;
    without it the caption begins now. ``language`` is a BCP 47 tag.
    """

    text: Annotated[str, msgspec.Meta(max_length=1_000)]
    language: Language
    at: float | None = None


@routes.get("/studio/{stream}/captions")
async def captions_page(request: web.Request) -> web.Response:
    """Where a captioner types; the key stays in the URL's fragment."""
    return await stream_page(request, "captions.html")


@routes.post("/api/v1/streams/{stream}/captions")
@acts_by_key
async def say(request: web.Request) -> web.Response:
    """201 with the caption as viewers get it. For the holder of the stream's key, or of one that
    is for its captions alone.
    """
    services = request.app[SERVICES]
    stream = await _captioned(request)
    body = await read(request, NewCaption)
    edge = time.time() - services.config.event.delay_seconds
    captions = services.captions.of(stream.id)
    caption = captions.say(body.text, body.language, at=body.at, edge=edge)
    return reply(caption.to_dict(), 201)


@routes.put("/api/v1/streams/{stream}/captions")
@acts_by_key
async def announce(request: web.Request) -> web.Response:
    """Captions are to come in a language: players that join from now on list them (HLS)."""
    services = request.app[SERVICES]
    stream = await _captioned(request)
    body = await read(request, Announced)
    services.captions.of(stream.id).language = body.language
    stream.window.announce_captions(body.language)
    return reply({"language": body.language})


@routes.get("/api/v1/streams/{stream}/captions.vtt")
async def document(request: web.Request) -> web.Response:
    """The last captions of the broadcast on air as one WebVTT file, in its media time."""
    services = request.app[SERVICES]
    stream = services.streams.get(request.match_info["stream"])
    origin = stream.started_at
    kept = services.captions.of(stream.id).kept if origin is not None else ()
    cues = [
        webvtt.Cue(str(one.number), one.start - origin, one.end - origin, one.text)
        for one in kept
        if origin is not None and one.end > origin
    ]
    return web.Response(
        text=webvtt.document(cues),
        headers={"Content-Type": webvtt.CONTENT_TYPE, "Cache-Control": "no-cache"},
    )


async def _captioned(request: web.Request) -> Stream:
    """The stream in the path, for whoever may write its captions; the key is checked first."""
    services, stream_id = request.app[SERVICES], request.match_info["stream"]
    await services.keys.check(bearer(request), stream_id, for_captions=True)
    return await find_stream(services, stream_id)
