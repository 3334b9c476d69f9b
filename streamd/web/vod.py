"""Recordings over HTTP: their files, their pages, their API, and the past of what is on air."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from aiohttp import web

from streamd.media import playlist, webvtt
from streamd.media.units import Kind
from streamd.recording import captions, live_subtitles, playlists
from streamd.recording.catalogue import Entry
from streamd.recording.lifecycle import RecordingState
from streamd.recording.recordings import Recordings
from streamd.recording.storage import Shelf
from streamd.recording.summary import POSTER
from streamd.recording.written import pack
from streamd.web import moments, vod_subtitles, vod_texts
from streamd.web.json_bodies import reply
from streamd.web.language import choose
from streamd.web.pages import render
from streamd.web.problems import BadRequest
from streamd.web.recording_rows import recording_row
from streamd.web.security import acts_by_key
from streamd.web.services import SERVICES, authorize
from streamd.web.views import in_rotation, region_rows, stream_row

routes = web.RouteTableDef()

CHUNK_BYTES = 1_048_576
"""Read at a time from an object store for one visitor."""

SHOWN_EACH = 6
"""Recordings of each candidate on the page of all; the same for everybody."""

MOST_LISTED = 200
"""Recordings in one answer of the API."""

_TYPES = {
    ("v", "m4s"): "video/mp4",
    ("v", "mp4"): "video/mp4",
    ("a", "m4s"): "audio/mp4",
    ("a", "mp4"): "audio/mp4",
}
_MEDIA = re.compile(r"([va])-[0-9]{1,9}\.(m4s|mp4)")
_SUBTITLES = re.compile(r"captions-[0-9]{1,9}\.vtt")
_PLAYLISTS: dict[str, Kind | None] = {
    playlists.INDEX: None,
    playlists.playlist_name("v"): "v",
    playlists.playlist_name("a"): "a",
}
_FOR_GOOD = "public, max-age=31536000, immutable"
_FOR_A_WHILE = "public, max-age=60"
_WORDS = {
    "moment": moments.moment,
    "iso": moments.iso,
    "length": moments.length,
    "iso_length": moments.iso_length,
    "megabytes": moments.megabytes,
}
_RECORDING = r"{recording:[a-z0-9-]{1,120}}"


# -- files


@routes.get(rf"/vod/{_RECORDING}/{{name:[a-z0-9.-]{{1,64}}}}")
async def resource(request: web.Request) -> web.StreamResponse:
    """A playlist, a segment, the poster or the captions, by its name."""
    recordings = request.app[SERVICES].recordings
    entry = recordings.catalogue.get(request.match_info["recording"])
    name = request.match_info["name"]
    if name in _PLAYLISTS:
        return await _playlist(request, entry, _PLAYLISTS[name])
    if name == playlists.SUBTITLES or _SUBTITLES.fullmatch(name):
        found = await vod_texts.of_shelf(recordings.shelf, f"{entry.id}/{name}")
        kind = playlist if name == playlists.SUBTITLES else webvtt
        return vod_texts.answer(request, found, _FOR_A_WHILE, kind.CONTENT_TYPE)
    if name == live_subtitles.PLAYLIST or vod_subtitles.SEGMENT.fullmatch(name):
        return await vod_subtitles.answer(request, entry, name)
    if name == captions.CAPTIONS:
        return await _captions(request, recordings, entry)
    media = _MEDIA.fullmatch(name)
    if media is not None:
        content_type = _TYPES[media[1], media[2]]
    elif name == POSTER:
        content_type = "image/jpeg"
    else:
        raise web.HTTPNotFound
    headers = {"Content-Type": content_type, "Cache-Control": _FOR_GOOD}
    return await _file(request, f"{entry.id}/{name}", headers)


@routes.get(rf"/vod/{_RECORDING}/download/{{chapter:[0-9]{{1,4}}}}.mp4")
async def download(request: web.Request) -> web.StreamResponse:
    """A chapter as MP4, by ranges too (RFC 9110 section 14); 503 while it is being made.

    A HEAD makes nothing (RFC 9110 section 9.2.1): 404 where nobody asked for the file yet.
    """
    recordings = request.app[SERVICES].recordings
    recording = request.match_info["recording"]
    chapter = int(request.match_info["chapter"])
    path = await recordings.download(recording, chapter, make=request.method != "HEAD")
    shown = f"{recording}-{request.match_info['chapter']}.mp4"
    headers = {
        "Content-Type": "video/mp4",
        "Content-Disposition": f'attachment; filename="{shown}"',
        "Cache-Control": _FOR_A_WHILE,
    }
    return await _file(request, path, headers)


@routes.get("/hls/{stream}/dvr.m3u8")
async def past(request: web.Request) -> web.Response:
    """Everything recorded so far of the broadcast on air: a growing playlist, without a session."""
    services = request.app[SERVICES]
    entry = services.recordings.catalogue.running(request.match_info["stream"])
    if entry is None or entry.live is None:
        raise web.HTTPNotFound
    text = vod_subtitles.index(services, entry, entry.live, prefix=f"/vod/{entry.id}/")
    return vod_texts.answer(request, pack(text), "no-cache")


async def _playlist(request: web.Request, entry: Entry, kind: Kind | None) -> web.Response:
    services = request.app[SERVICES]
    live = entry.live
    if live is None:
        name = playlists.INDEX if kind is None else playlists.playlist_name(kind)
        shelf = services.recordings.shelf
        found = await vod_texts.of_shelf(shelf, f"{entry.id}/{name}")
        return vod_texts.answer(request, found, _FOR_A_WHILE)
    if kind is None:
        index = vod_subtitles.index(services, entry, live)
        return vod_texts.answer(request, pack(index), "no-cache")
    try:
        text = await live.playlists[kind].packed(
            target_seconds=services.config.relay.target_seconds,
            ended=entry.state is not RecordingState.RECORDING,
        )
    except KeyError as error:
        raise web.HTTPNotFound from error
    return vod_texts.answer(request, text, "no-cache")


async def _captions(request: web.Request, recordings: Recordings, entry: Entry) -> web.Response:
    if entry.live is not None:
        text = await entry.live.captions()
    else:
        text = await vod_texts.of_shelf(recordings.shelf, f"{entry.id}/{captions.CAPTIONS}")
    return vod_texts.answer(request, text, "no-cache", webvtt.CONTENT_TYPE)


async def _file(request: web.Request, path: str, headers: dict[str, str]) -> web.StreamResponse:
    """A file of the storage: from the disk by sendfile, from an object store through us.

    Through us rather than by a signed address: the bucket stays closed, and players and caches
    know one origin.
    """
    shelf = request.app[SERVICES].recordings.shelf
    size = await shelf.lend(shelf.storage.size, path)
    local = shelf.storage.local(path)
    if local is not None:
        return web.FileResponse(local, headers=headers)
    start, end, status = _range(request, size)
    headers = {**headers, "Accept-Ranges": "bytes", "Content-Length": str(end - start)}
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return web.Response(body=_chunks(shelf, path, start, end), status=status, headers=headers)


def _range(request: web.Request, size: int) -> tuple[int, int, int]:
    """Start, end and status (RFC 9110 section 14.2). A range nobody understands is ignored."""
    try:
        asked = request.http_range
    except ValueError:
        return 0, size, 200
    if asked.start is None and asked.stop is None:
        return 0, size, 200
    start, end, _ = asked.indices(size)
    if start >= end:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
    return start, end, 206


async def _chunks(shelf: Shelf, path: str, start: int, end: int) -> AsyncIterator[bytes]:
    while start < end:
        chunk = await shelf.lend(shelf.storage.read, path, start, min(start + CHUNK_BYTES, end))
        if not chunk:
            return
        start += len(chunk)
        yield chunk


# -- API


@routes.get("/api/v1/recordings")
async def list_recordings(request: web.Request) -> web.Response:
    """At most MOST_LISTED recordings, newest first.

    ``?stream=`` and ``?state=`` narrow; ``?before=``, Unix time, lists those that began earlier.
    """
    services = request.app[SERVICES]
    catalogue = services.catalogues[choose(request)]
    state = request.query.get("state")
    try:
        before = float(request.query.get("before", "inf"))
    except ValueError as error:
        raise BadRequest("“before” is a Unix time in seconds.") from error
    found = [
        one
        for one in services.recordings.catalogue.shown(request.query.get("stream"))
        if state in (None, one.state.value) and one.started_at < before
    ]
    rows = [recording_row(services.recordings, one, catalogue) for one in found[:MOST_LISTED]]
    return reply({"recordings": rows})


@routes.get(rf"/api/v1/recordings/{_RECORDING}")
async def get_recording(request: web.Request) -> web.Response:
    """One recording's row."""
    services = request.app[SERVICES]
    entry = services.recordings.catalogue.get(request.match_info["recording"])
    catalogue = services.catalogues[choose(request)]
    return reply(recording_row(services.recordings, entry.summary, catalogue))


@routes.delete(rf"/api/v1/recordings/{_RECORDING}")
@acts_by_key
async def delete_recording(request: web.Request) -> web.Response:
    """Deletes it for good: for the stream's key or the headquarters'. 409 while it is made."""
    recordings = request.app[SERVICES].recordings
    entry = recordings.catalogue.get(request.match_info["recording"])
    await authorize(request, entry.kept.header.stream)
    await recordings.delete(entry.id)
    return web.Response(status=204)


# -- pages


@routes.get("/vod")
async def list_page(request: web.Request) -> web.Response:
    """Recordings by candidate, in the order of the event page; ``?stream=``: all of one."""
    services = request.app[SERVICES]
    catalogue = services.catalogues[choose(request)]
    asked = request.query.get("stream")
    rows: dict[str, list[dict[str, object]]] = {}
    for summary in services.recordings.catalogue.shown(asked):
        row = recording_row(services.recordings, summary, catalogue)
        rows.setdefault(summary.header.stream, []).append(row)
    sections = []
    for stream in in_rotation(list(services.streams), services.config.event):
        speaker = stream_row(stream, 0, services.config.event, catalogue)["candidate"]
        found = rows.pop(stream.id, [])
        if asked == stream.id or (asked is None and (found or speaker)):
            sections.append(_section(stream.id, speaker, found, asked))
    # What was recorded of streams that are no longer there.
    for stream_id, found in sorted(rows.items()):
        sections.append(_section(stream_id, found[0]["candidate"], found, asked))
    if asked and not sections:
        raise web.HTTPNotFound
    return render(request, "vod.html", {}, {**_WORDS, "sections": sections, "only": asked})


def _section(
    stream: str, candidate: object, rows: list[dict[str, object]], asked: str | None
) -> dict[str, object]:
    shown = rows if asked else rows[:SHOWN_EACH]
    return {"stream": stream, "candidate": candidate, "recordings": shown, "count": len(rows)}


@routes.get(rf"/vod/{_RECORDING}")
async def recording_page(request: web.Request) -> web.Response:
    """One recording: its player, what was asked in it, when it was, its files."""
    services = request.app[SERVICES]
    entry = services.recordings.catalogue.get(request.match_info["recording"])
    catalogue = services.catalogues[choose(request)]
    row = recording_row(services.recordings, entry.summary, catalogue)
    # As on the watch page: who answers late may do so as a messenger's member.
    page: dict[str, object] = {
        "recording": row,
        "regions": region_rows(services.config.event, catalogue),
        "origins": list(services.config.feeds.origins),
    }
    return render(request, "vod_recording.html", page, {**_WORDS, "recording": row})
