"""``media:{stream}``: a stream's fMP4 parts, MessagePack only.

A client subscribes with ``data: {audio: "opus" | "aac"}``, or without for video alone. The result's
``data`` is ``{v: 1, gen, timescale: 90000, tracks: {v|a: {codec, init}}, parts: [P…], cues: []}``
and holds everything since the last keyframe; each publication's ``data`` is the next
``P = {n, t, key, v?, a?, init?}``. Nothing is missing and nothing doubled between the two.

``n`` counts parts within ``gen``. Where it jumps to a part with ``key``, this connection was too
slow and parts were skipped; that part carries every ``init`` that changed in between. A subscriber
without audio is not sent the parts that hold audio alone.

A new generation (the set of tracks changed) ends the subscription with an ``unsubscribe`` push of
code 2500, upon which a stock client subscribes again and gets the new generation. While nobody
broadcasts, subscribing is refused with 108, ``temporary``; ``stream:{id}`` says when to try.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from streamd.errors import StreamError, UnknownStream
from streamd.feeds import protocol
from streamd.feeds.codes import (
    AlreadySubscribed,
    BadRequest,
    LimitExceeded,
    NotLive,
    UnknownChannel,
    Unsubscribe,
)
from streamd.feeds.hub import Ended, Opening
from streamd.feeds.link import Link, deliver
from streamd.feeds.metrics import FeedMetrics
from streamd.feeds.outbox import ReplyOverflow
from streamd.feeds.protocol import MSGPACK, SubscribeRequest
from streamd.media.parts import Init, Join, Part
from streamd.media.units import MEDIA_TIMESCALE, Kind
from streamd.relay.stream import Stream
from streamd.relay.streams import Streams
from streamd.relay.window import without_audio

PREFIX: Final = "media"
STREAMS_PER_CONNECTION: Final = 4
"""Media channels of one connection; each may hold its own queue of parts."""
_AUDIO: Final = (None, "opus", "aac")


class PartFrame:
    """One part as a publication frame; ``tracks`` are the inits in force with it."""

    __slots__ = ("_channel", "_configured", "_part", "_tracks", "frame", "size")

    def __init__(self, channel: str, part: Part, tracks: Mapping[Kind, Init]) -> None:
        self._channel = channel
        self._part = part
        self._tracks = tracks
        self._configured: bytes | None = None
        self.frame = self._build(part.init)
        self.size = len(self.frame)

    @property
    def t(self) -> int:
        """Media time of the first unit in 90,000ths of a second."""
        return self._part.t

    @property
    def key(self) -> bool:
        """True where a decoder can start here."""
        return self._part.key

    @property
    def configures(self) -> bool:
        """True where the part carries a track's new init."""
        return self._part.init is not None

    @property
    def configured(self) -> bytes:
        """The frame with every track's init; made once, for all who missed the change."""
        if self._configured is None:
            self._configured = self._build(self._tracks)
        return self._configured

    def _build(self, init: Mapping[Kind, Init] | None) -> bytes:
        payload = part_payload(self._part, init)
        return MSGPACK.frame(protocol.publication(self._channel, payload))


def part_payload(part: Part, init: Mapping[Kind, Init] | None) -> dict[str, object]:
    """The wire form ``P`` of a part that carries ``init``."""
    payload: dict[str, object] = {"n": part.n, "t": part.t, "key": part.key}
    if part.v is not None:
        payload["v"] = part.v
    if part.a is not None:
        payload["a"] = part.a
    if init:
        payload["init"] = _tracks_payload(init)
    return payload


def _tracks_payload(tracks: Mapping[Kind, Init]) -> dict[str, object]:
    return {kind: {"codec": track.codec, "init": track.init} for kind, track in tracks.items()}


def join_payload(join: Join) -> dict[str, object]:
    """The ``data`` of a subscribe result."""
    return {
        "v": 1,
        "gen": join.gen,
        "timescale": MEDIA_TIMESCALE,
        "tracks": _tracks_payload(join.tracks),
        "parts": [part_payload(part, part.init) for part in join.parts],
        "cues": [],
    }


class MediaChannel:
    """One stream's channel. It listens to the stream's window while anyone is subscribed."""

    def __init__(self, name: str, stream: Stream, metrics: FeedMetrics) -> None:
        self.name = name
        self._stream = stream
        self._metrics = metrics
        self._unlisten: Callable[[], None] | None = None
        self._links: dict[bool, dict[Link, Ended]] = {True: {}, False: {}}
        self._tracks: dict[Kind, Init] = {}
        self._replays: dict[tuple[int, int, str | None], bytes] = {}

    def __contains__(self, link: Link) -> bool:
        return any(link in links for links in self._links.values())

    def __len__(self) -> int:
        return sum(map(len, self._links.values()))

    def subscribe(self, audio: str | None, link: Link, ended: Ended) -> Opening:
        """Adds ``link``; its replay ends where its first publication begins."""
        try:
            join = self._stream.window.join(audio)
        except StreamError as error:
            raise NotLive(f"Nobody is broadcasting to “{self._stream.id}” now.") from error
        if self._unlisten is None:
            self._tracks.clear()
            self._unlisten = self._stream.window.listen(self._on_part, self._on_reset)
        self._tracks |= join.tracks
        self._links["a" in join.tracks][link] = ended
        if not join.parts:
            link.await_key(self.name)
        return Opening(self._replay(join, audio), bounded=False)

    def _replay(self, join: Join, audio: str | None) -> bytes:
        """The subscribe result of ``join``, made once for all who join before the next part."""
        key = (join.gen, join.parts[-1].n if join.parts else -1, audio)
        replay = self._replays.get(key) if join.parts else None
        if replay is None:
            replay = MSGPACK.pack({"data": join_payload(join)})
            self._replays = {old: made for old, made in self._replays.items() if old[:2] == key[:2]}
            self._replays[key] = replay
        return replay

    def unsubscribe(self, link: Link) -> None:
        """Removes ``link``; with the last one the channel stops listening."""
        for links in self._links.values():
            links.pop(link, None)
        if not len(self) and self._unlisten is not None:
            self._unlisten()
            self._unlisten = None
            self._replays.clear()

    def _on_part(self, part: Part) -> None:
        if part.init is not None:
            self._tracks = {**self._tracks, **part.init}
        self._send(self._links[True], part, self._tracks)
        if self._links[False]:
            silent = without_audio(part)
            if silent is not None:
                tracks: dict[Kind, Init] = {"v": self._tracks["v"]}
                self._send(self._links[False], silent, tracks)

    def _send(self, links: dict[Link, Ended], part: Part, tracks: Mapping[Kind, Init]) -> None:
        if not links:
            return
        made = PartFrame(self.name, part, tracks)
        skipped = 0

        def wait(link: Link) -> None:
            nonlocal skipped
            skipped += link.part(self.name, made)

        waited = deliver(tuple(links), made.frame, wait)
        metrics = self._metrics
        metrics.deliveries.inc(len(links) - waited)
        metrics.delivered_bytes.inc((len(links) - waited) * made.size)
        metrics.deferred.inc(waited)
        metrics.skipped.inc(skipped)

    def _on_reset(self) -> None:
        push = MSGPACK.frame(
            protocol.unsubscribed(self.name, Unsubscribe.INSUFFICIENT_STATE, "new generation")
        )
        for links in tuple(self._links.values()):
            for link, ended in tuple(links.items()):
                self.unsubscribe(link)
                link.forget(self.name)
                ended(self.name)
                try:
                    link.reply(push)
                except ReplyOverflow:
                    # Its own next command ends it with 3008; here it must not stop the others.
                    continue


class MediaProvider:
    """The provider of ``media:…`` over the relay's streams."""

    def __init__(self, streams: Streams) -> None:
        self.metrics = FeedMetrics()
        self._streams = streams
        self._channels: dict[str, MediaChannel] = {}

    async def prepare(self, channel: str) -> None:
        """See hub.Provider."""
        self._stream(channel)

    def subscribe(
        self, channel: str, request: SubscribeRequest, link: Link, ended: Ended
    ) -> Opening:
        """See hub.Provider."""
        if not link.encoding.binary:
            raise BadRequest(
                "Media is MessagePack only: connect with the subprotocol “streamd.msgpack”."
            )
        audio = _wish(request.data)
        if sum(link in media for media in self._channels.values()) >= STREAMS_PER_CONNECTION:
            raise LimitExceeded(f"One connection may carry {STREAMS_PER_CONNECTION} streams.")
        media = self._channels.get(channel)
        if media is None:
            media = MediaChannel(channel, self._stream(channel), self.metrics)
        elif link in media:
            raise AlreadySubscribed(channel)
        opening = media.subscribe(audio, link, ended)
        self._channels[channel] = media
        return opening

    def unsubscribe(self, channel: str, link: Link) -> None:
        """See hub.Provider."""
        if (media := self._channels.get(channel)) is not None:
            media.unsubscribe(link)

    def subscribers(self, channel: str) -> int:
        """See hub.Provider."""
        media = self._channels.get(channel)
        return 0 if media is None else len(media)

    def _stream(self, channel: str) -> Stream:
        try:
            return self._streams.get(channel.removeprefix(f"{PREFIX}:"))
        except UnknownStream as error:
            raise UnknownChannel(channel) from error


def _wish(request: object) -> str | None:
    """The ``audio`` of a subscribe request's ``data``. Raises BadRequest."""
    if request is None:
        return None
    audio = request.get("audio") if isinstance(request, dict) else ""
    if audio not in _AUDIO:
        raise BadRequest("A media subscription's data is {audio: “opus” or “aac”}, or nothing.")
    return audio
