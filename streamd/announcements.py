"""Whole-state publications on ``stream:{id}``, ``event:{id}``, ``poll:{id}``, ``captions:{id}``.

Changes mark a stream dirty; one task publishes what is dirty, at most four times a second, so a
thousand arrivals cost one publication. Viewer counts are compared at the same pace.
"""

from __future__ import annotations

import asyncio

import structlog

from polling.errors import PollingError, StoreDown, UnknownPoll
from polling.model import Poll, Tally
from polling.service import PollService
from polling.visibility import Audience
from streamd.config import Event
from streamd.errors import UnknownStream
from streamd.feeds.codes import TryAgain, UnknownChannel
from streamd.feeds.hub import Hub
from streamd.media import webvtt
from streamd.poll_cues import cue_rows
from streamd.relay.captions import Caption, Captions, CaptionTracks
from streamd.relay.stream import Stream
from streamd.relay.streams import Streams
from streamd.web.views import stream_state
from streamd.webrtc.whep import WhepSessions

log = structlog.get_logger(__name__)

PERIOD_SECONDS = 0.25
POLLS_SHOWN = 3
CAPTIONS_SHOWN = 12
"""Captions in a publication: whoever misses one gets it with the next."""


class Announcements:
    """Owns the publishing task; ``on_*`` are the callbacks that relay and polling get."""

    def __init__(
        self,
        hub: Hub,
        streams: Streams,
        polls: PollService,
        event: Event,
        whep: WhepSessions | None = None,
    ) -> None:
        self._hub = hub
        self._streams = streams
        self._polls = polls
        self._event = event
        self._whep = whep
        self.captions = CaptionTracks(self.on_caption)
        self._dirty: set[str] = set()
        self._shown_viewers: dict[str, int] = {}

    def provide(self) -> None:
        """Tells the hub which channels there are and what a first subscriber is shown."""
        self._hub.provide("stream", self._stream_snapshot)
        self._hub.provide("event", self._event_snapshot)
        self._hub.provide("poll", self._poll_snapshot)
        self._hub.provide("captions", self._captions_snapshot)

    def on_stream(self, stream: Stream) -> None:
        """A stream changed its state or generation."""
        self._dirty.add(stream.id)

    def on_poll(self, poll: Poll) -> None:
        """A poll was created, opened or closed."""
        self._dirty.add(poll.stream)

    def on_tally(self, tally: Tally) -> None:
        """A tally moved; ``polling`` has throttled it already. What the poll's rules hide stays
        here, and so does everything of a poll whose rules are not known.
        """
        poll = self._polls.known(tally.poll)
        if poll is not None and poll.is_visible(Audience.PUBLIC):
            self._hub.publish(f"poll:{tally.poll}", poll.shown_tally(tally))

    def on_waiting_tally(self, tally: Tally) -> None:
        """A tally waits for its turn: who is still to get the last one gets this one instead."""
        poll = self._polls.known(tally.poll)
        if poll is not None and poll.is_visible(Audience.PUBLIC):
            self._hub.amend(f"poll:{tally.poll}", poll.shown_tally(tally))

    def on_caption(self, captions: Captions, caption: Caption) -> None:
        """A captioner sent a line."""
        window = self._streams.get(captions.stream_id).window
        window.announce_captions(captions.language)
        window.put_caption(
            webvtt.Cue(str(caption.number), caption.start, caption.end, caption.text)
        )
        self._hub.publish(f"captions:{captions.stream_id}", _captions_row(captions))

    async def run(self) -> None:
        """Publishes until cancelled; a cancelled call loses nothing but the next publication."""
        for stream in self._streams:
            self._dirty.add(stream.id)
        while True:
            await self._publish_changes()
            await asyncio.sleep(PERIOD_SECONDS)

    async def _publish_changes(self) -> None:
        for stream in self._streams:
            viewers = self._hub.subscribers(f"stream:{stream.id}")
            if self._shown_viewers.get(stream.id) != viewers:
                self._shown_viewers[stream.id] = viewers
                self._dirty.add(stream.id)
        if not self._dirty:
            return
        dirty, self._dirty = self._dirty, set()
        for stream in self._streams:
            if stream.id in dirty:
                await self._publish_stream(stream)
        self._hub.publish(f"event:{self._event.id}", self._event_row())

    async def _publish_stream(self, stream: Stream) -> None:
        try:
            self._hub.publish(f"stream:{stream.id}", await self._stream_row(stream))
        except StoreDown:
            self._dirty.add(stream.id)
        except PollingError as error:
            log.warning("stream not announced", stream=stream.id, reason=str(error))

    async def _stream_row(self, stream: Stream) -> dict[str, object]:
        viewers = self._hub.subscribers(f"stream:{stream.id}")
        shown = await self._polls.shown(stream.id, POLLS_SHOWN)
        rows = [poll.to_dict(tally) for poll, tally in shown]
        cues = cue_rows(stream, {poll.id for poll, _ in shown}, self._whep)
        return {**stream_state(stream, viewers), "gen": stream.gen, "polls": rows, "cues": cues}

    def _event_row(self) -> dict[str, object]:
        rows = [
            stream_state(stream, self._hub.subscribers(f"stream:{stream.id}"))
            for stream in self._streams
        ]
        return {"id": self._event.id, "streams": rows}

    async def _stream_snapshot(self, name: str) -> dict[str, object]:
        try:
            stream = self._streams.get(name)
        except UnknownStream as error:
            raise UnknownChannel(f"stream:{name}") from error
        try:
            return await self._stream_row(stream)
        except StoreDown as error:
            raise TryAgain("The store does not answer. Try again in a moment.") from error

    async def _captions_snapshot(self, name: str) -> dict[str, object]:
        try:
            return _captions_row(self.captions.of(self._streams.get(name).id))
        except UnknownStream as error:
            raise UnknownChannel(f"captions:{name}") from error

    async def _event_snapshot(self, name: str) -> dict[str, object]:
        if name != self._event.id:
            raise UnknownChannel(f"event:{name}")
        return self._event_row()

    async def _poll_snapshot(self, name: str) -> dict[str, object]:
        try:
            return await self._polls.seen_tally(name)
        except UnknownPoll as error:
            raise UnknownChannel(f"poll:{name}") from error
        except StoreDown as error:
            raise TryAgain("The store does not answer. Try again in a moment.") from error


def _captions_row(captions: Captions) -> dict[str, object]:
    rows = [caption.to_dict() for caption in captions.newest(CAPTIONS_SHOWN)]
    return {"id": captions.stream_id, "language": captions.language, "captions": rows}
