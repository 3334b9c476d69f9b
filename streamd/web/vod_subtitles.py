"""A growing recording's subtitles over HTTP: during the broadcast, and on after its end."""

from __future__ import annotations

import re

from aiohttp import web

from streamd.media import playlist, webvtt
from streamd.recording import captions
from streamd.recording.catalogue import Entry
from streamd.recording.lifecycle import RecordingState
from streamd.recording.live_recording import LiveRecording
from streamd.recording.live_subtitles import PLAYLIST, LiveSubtitles
from streamd.recording.written import pack
from streamd.web import vod_texts
from streamd.web.services import SERVICES, Services

SEGMENT = re.compile(r"t-([0-9]{1,9})\.vtt")
_FOR_GOOD = "public, max-age=31536000, immutable"
_FOR_A_WHILE = "public, max-age=60"


def index(services: Services, entry: Entry, live: LiveRecording, prefix: str = "") -> str:
    """The multivariant playlist of what is being recorded.

    Subtitles stand in it once a captioner has named a language and a segment of them is listed: a
    playlist without segments is an error to hls.js.
    """
    language = ""
    if live.subtitles.count:
        announced = services.captions.of(entry.kept.header.stream).language
        language = captions.language(live.journal) or announced
    return live.index.text(prefix, language, PLAYLIST)


async def answer(request: web.Request, entry: Entry, name: str) -> web.Response:
    """``t.m3u8`` or one of its segments, which are immutable. 404 for what is not listed."""
    services = request.app[SERVICES]
    subtitles = await _subtitles(services, entry)
    segment = SEGMENT.fullmatch(name)
    try:
        if segment is not None:
            text = pack(subtitles.segment(int(segment[1])))
            return vod_texts.answer(request, text, _FOR_GOOD, webvtt.CONTENT_TYPE)
        text = await subtitles.playlist(
            target_seconds=services.config.relay.target_seconds,
            ended=entry.state is not RecordingState.RECORDING,
        )
    except KeyError as error:
        raise web.HTTPNotFound from error
    caching = _FOR_A_WHILE if entry.live is None else "no-cache"
    return vod_texts.answer(request, text, caching, playlist.CONTENT_TYPE)


async def _subtitles(services: Services, entry: Entry) -> LiveSubtitles:
    if entry.live is None:
        if entry.state is not RecordingState.FINISHED:
            raise web.HTTPNotFound
        return await services.recordings.ended_subtitles.of(entry.id)
    if entry.state is not RecordingState.RECORDING:
        entry.live.subtitles.end()
    return entry.live.subtitles
