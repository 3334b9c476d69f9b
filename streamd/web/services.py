"""What the handlers work with: one frozen value, built by app.py."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from jinja2 import Environment

from polling.log_reader import LogReader
from polling.notes import NoteKey
from polling.service import PollService
from streamd.config import STREAM_ID, Config
from streamd.errors import UnknownStream
from streamd.feeds.hub import Hub
from streamd.identity import ConnectTokens, DeviceCookies
from streamd.identity_tiers import Tiers
from streamd.keys import KeyRecord, StreamKeys
from streamd.recording.recordings import Recordings
from streamd.relay.captions import CaptionTracks
from streamd.relay.stream import Stream
from streamd.relay.streams import Streams
from streamd.store import Store
from streamd.web.assets import Assets
from streamd.web.language import Catalogue
from streamd.webrtc.whep import WhepSessions
from streamd.webrtc.whip import WhipSessions


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a running streamd that HTTP handlers call."""

    config: Config
    store: Store
    streams: Streams
    polls: PollService
    log_reader: LogReader
    log_key: NoteKey
    hub: Hub
    captions: CaptionTracks
    recordings: Recordings
    keys: StreamKeys
    cookies: DeviceCookies
    tokens: ConnectTokens
    tiers: Tiers
    whip: WhipSessions
    whep: WhepSessions
    assets: Assets
    catalogues: Mapping[str, Catalogue]
    templates: Mapping[str, Environment]
    feed_port: int
    started_at: float = field(default_factory=time.time)


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)


def bearer(request: web.Request) -> str | None:
    """The key in ``Authorization: Bearer`` (RFC 6750 §2.1), or None."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() or None if scheme.lower() == "bearer" else None


async def authorize(request: web.Request, stream: str) -> KeyRecord:
    """The record of the request's key if it may act for ``stream``; else an AccessError."""
    return await request.app[SERVICES].keys.check(bearer(request), stream)


async def find_stream(services: Services, stream_id: str) -> Stream:
    """The stream of that id; one that was given its first key while streamd runs is made here.

    Raises UnknownStream.
    """
    try:
        return services.streams.get(stream_id)
    except UnknownStream:
        if STREAM_ID.fullmatch(stream_id):
            for record in await services.keys.list():
                if record.stream == stream_id:
                    return services.streams.add(stream_id)
        raise


async def authorized_stream(request: web.Request) -> Stream:
    """The stream in the path, for the holder of its key.

    The key is checked first, so that a stranger cannot learn which streams exist. A key made
    while streamd runs brings its stream into being here.
    """
    stream_id = request.match_info["stream"]
    return await stream_for_key(request.app[SERVICES], bearer(request), stream_id)


async def stream_for_key(services: Services, key: str | None, stream_id: str) -> Stream:
    """The same for a key that came in another way than the ``Authorization`` header."""
    record = await services.keys.check(key, stream_id)
    if record.stream == stream_id:
        return services.streams.add(stream_id)
    return services.streams.get(stream_id)
