"""``media:{stream}``: a stream's fMP4 parts, MessagePack only.

A client subscribes with ``data: {audio: "opus" | "aac" | null, video: true | false}``; left out,
that is null and true. The result's ``data`` is ``{v: 1, gen, started_at, timescale: 90000,
part_ms, tracks: {v|a: {codec, init}}, parts: [P…], cues: [C…]}`` and holds everything since the
last keyframe; each publication's ``data`` is the next ``P = {n, t, key, v?, a?, init?, skipped?,
still?}``. Nothing is missing and nothing doubled between the two. ``started_at`` is the Unix time
of media time 0; ``part_ms`` is how much time one part covers, so how long a player waits for the
next; 0: one picture. ``C = {id, gen, t, at, poll, action, rev}`` is a cue (relay/cues.py); those
to come stand as emsg boxes before the moof of ``v``, without pictures of ``a``, in every part until
theirs.

``n`` rises with each part and counts the stream's parts within ``gen``: a subscriber without audio
is not sent those that hold audio alone. ``skipped`` says that this connection was too slow: so
many parts were passed over before this one, which has ``key`` and every ``init`` where one changed.

``video: false`` is the data saver: ``tracks`` holds the sound alone, a part is GROUP_MS of it with
``key`` true, and each ten seconds one carries ``still = {t, codec, init, v}``: a keyframe at media
time ``t`` as moof + mdat, with the track's init, to be decoded by itself. The result has the first.
A stream without sound sends parts that hold a still and nothing else.

A new generation (the set of tracks changed) ends the subscription with an ``unsubscribe`` push of
code 2500, upon which a stock client subscribes again and gets the new generation. While nobody
broadcasts, subscribing is refused with 108, ``temporary``; ``stream:{id}`` says when to try.
"""

from __future__ import annotations

from typing import Final

import msgspec

from streamd.errors import StreamError, UnknownStream
from streamd.feeds.codes import (
    AlreadySubscribed,
    BadRequest,
    LimitExceeded,
    NotLive,
    UnknownChannel,
)
from streamd.feeds.hub import Ended, Opening
from streamd.feeds.link import Link
from streamd.feeds.metrics import FeedMetrics
from streamd.feeds.protocol import SubscribeRequest
from streamd.feeds.rendition import Pictures, Rendition, Saver, Wish, codec_of
from streamd.media.parts import Join
from streamd.relay.stream import Stream
from streamd.relay.streams import Streams

PREFIX: Final = "media"
STREAMS_PER_CONNECTION: Final = 4
"""Media channels of one connection; each may hold its own queue of parts."""


class MediaChannel:
    """One stream's channel: its renditions, each while anyone is subscribed to it."""

    def __init__(self, name: str, stream: Stream, metrics: FeedMetrics) -> None:
        self.name = name
        self._stream = stream
        self._metrics = metrics
        self._renditions: dict[Wish, Rendition] = {}

    def __contains__(self, link: Link) -> bool:
        return any(link in rendition.links for rendition in self._renditions.values())

    def __len__(self) -> int:
        return sum(len(rendition.links) for rendition in self._renditions.values())

    def subscribe(self, wish: Wish, link: Link, ended: Ended) -> Opening:
        """Adds ``link``; its replay ends where its first publication begins."""
        try:
            join = self._stream.window.join(wish.audio)
        except StreamError as error:
            raise NotLive(f"Nobody is broadcasting to “{self._stream.id}” now.") from error
        rendition = self._rendition(Wish(codec_of(join), wish.video), join)
        try:
            opening = rendition.opening(join)
        except BaseException:
            if not rendition.links:
                rendition.close()  # else it would listen for ever, for nobody
            raise
        rendition.links[link] = ended
        if wish.video and not join.parts:
            link.await_key(self.name)
        return Opening(opening, bounded=False)

    def unsubscribe(self, link: Link) -> None:
        """Removes ``link``."""
        for rendition in tuple(self._renditions.values()):
            rendition.leave(link)

    def _rendition(self, wish: Wish, join: Join) -> Rendition:
        rendition = self._renditions.get(wish)
        if rendition is None:
            window, metrics = self._stream.window, self._metrics

            def left() -> None:
                self._renditions.pop(wish, None)

            if wish.video:
                rendition = Pictures(self.name, window, metrics, left, join)
            else:
                rendition = Saver(self.name, window, metrics, left, join)
            self._renditions[wish] = rendition
        return rendition


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
        wish = _wish(request.data)
        if sum(link in media for media in self._channels.values()) >= STREAMS_PER_CONNECTION:
            raise LimitExceeded(f"One connection may carry {STREAMS_PER_CONNECTION} streams.")
        media = self._channels.get(channel)
        if media is None:
            media = MediaChannel(channel, self._stream(channel), self.metrics)
        elif link in media:
            raise AlreadySubscribed(channel)
        opening = media.subscribe(wish, link, ended)
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


def _wish(request: object) -> Wish:
    """The ``data`` of a subscribe request. Raises BadRequest."""
    if request is None:
        return Wish()
    try:
        return msgspec.convert(request, Wish)
    except msgspec.ValidationError as error:
        raise BadRequest(
            "A media subscription's data is {audio: “opus”, “aac” or null, video: true or false}, "
            "or nothing."
        ) from error
