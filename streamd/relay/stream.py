"""One broadcast: at most one publisher in, everybody else out."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from streamd import config
from streamd.errors import AlreadyPublishing, IllegalMove
from streamd.media.units import Kind, Track, Unit
from streamd.relay import health
from streamd.relay.health import LinkHealth
from streamd.relay.keyframes import KeyframeRequests
from streamd.relay.lifecycle import Move, StreamState, after
from streamd.relay.notices import Notices
from streamd.relay.subscriber import Subscriber
from streamd.relay.window import Window

log = structlog.get_logger(__name__)

STALL_SECONDS = 5.0
"""Silence of a publisher after which its stream is stalled."""

END_SECONDS = 30.0
"""Time a stalled stream waits for its publisher, or the next one, before it has ended."""


class Publisher:
    """One publication, from ``Stream.publish`` to ``close``. Only on the stream's loop."""

    def __init__(
        self,
        stream: Stream,
        source: str,
        request_keyframe: Callable[[], None] | None,
        on_ended: Callable[[], None],
        link: Callable[[], LinkHealth | None],
    ) -> None:
        self.source = source
        self.request_keyframe = request_keyframe
        self.on_ended = on_ended
        self.link = link
        self.closed = False
        self._stream = stream

    def announce(self, tracks: Sequence[Track], origin: float | None = None) -> None:
        """The tracks of the units that follow: the next usable unit starts a new generation.

        ``origin`` is the Unix time of media time 0 where the source knows it; otherwise the first
        unit is taken to be of now. At most one track a kind. Raises IllegalMove once closed.
        """
        self._check_open("announce")
        by_kind = {track.kind: track for track in tracks}
        if not tracks or len(by_kind) < len(tracks):
            raise ValueError("announce needs one video track, one audio track, or one of each")
        self._stream.pend(by_kind, origin)

    def write(self, unit: Unit) -> None:
        """Relays one unit, in decoding order a track. Video before the first keyframe is dropped.

        A dts that does not rise is moved one tick past the last one, since MP4 and MSE need it to.
        Raises IllegalMove once closed or before ``announce``, ValueError for a kind not announced.
        """
        self._check_open("write")
        self._stream.take(unit)

    def close(self) -> None:
        """Ends the publication; the stream has ended. May be called twice."""
        if not self.closed:
            self.closed = True
            self._stream.leave(self)

    def lose(self) -> None:
        """The connection broke off: the place is free at once, and the stream waits as stalled.

        Whoever publishes within ``END_SECONDS`` goes on with the same stream, and its viewers
        stay. After ``close`` or ``lose`` it does nothing.
        """
        if not self.closed:
            self.closed = True
            self._stream.miss(self)

    def _check_open(self, move: str) -> None:
        if self.closed:
            raise IllegalMove(self._stream.id, "no longer yours", move)


class Stream:
    """A broadcast's state, its window, and its subscribers.

    ``gen`` counts generations: it rises with the first unit after each ``announce``.
    ``started_at`` is the Unix time of the current generation's media time 0, None before the first.
    """

    def __init__(
        self,
        stream_id: str,
        settings: config.Relay,
        on_change: Callable[[Stream], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.id = stream_id
        self.notices = Notices(stream_id)
        self.state = StreamState.IDLE
        self.gen = 0
        self.started_at: float | None = None
        # 32 random bits: generations and segments count from 1 again in the next process.
        self.window = Window(stream_id, settings, self.request_keyframe, token=secrets.token_hex(4))
        self._settings = settings
        self._on_change = on_change
        self._monotonic = monotonic
        self._publisher: Publisher | None = None
        self._subscribers: set[Subscriber] = set()
        self._pending: tuple[dict[Kind, Track], float | None] | None = None
        self._tracks: dict[Kind, Track] = {}
        self._last_dts: dict[Kind, int] = {}
        self._awaiting_key = False
        self._dropped = 0
        self._meter: health.Meter | None = None
        self._keyframes = KeyframeRequests(self._ask_keyframe, monotonic)
        self._heard_at = 0.0
        self._stalled_at = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._closed = False

    # -- in

    def publish(
        self,
        source: str,
        request_keyframe: Callable[[], None] | None = None,
        on_ended: Callable[[], None] = lambda: None,
        link: Callable[[], LinkHealth | None] = lambda: None,
    ) -> Publisher:
        """Takes the stream's only publisher place. Raises AlreadyPublishing.

        ``source`` names the way in ("whip", "file", "testcard"). ``request_keyframe`` is called
        when the relay wants a keyframe soon. ``on_ended`` is called when the relay itself ends the
        publication: after long silence, when another takes over, or at shutdown; not after the
        publisher's own ``close`` or ``lose``. ``link`` is asked for the state of its line.
        """
        if self._closed:
            raise IllegalMove(self.id, "closed", "be published to")
        if self._publisher is not None:
            raise AlreadyPublishing(self.id)
        self._publisher = Publisher(self, source, request_keyframe, on_ended, link)
        self._heard_at = self._monotonic()
        self._keep_watch()
        return self._publisher

    @property
    def source(self) -> str | None:
        """The way in that is used now, None without a publisher."""
        return self._publisher.source if self._publisher is not None else None

    def pend(self, tracks: dict[Kind, Track], origin: float | None) -> None:
        """For Publisher.announce."""
        self._pending = (tracks, origin)

    def take(self, unit: Unit) -> None:
        """For Publisher.write."""
        if self._pending is not None and not self._begin(unit):
            return
        if unit.kind not in self._tracks:
            if not self._tracks:
                raise IllegalMove(self.id, self.state.value, "take units before announce")
            raise ValueError(f"a unit of kind {unit.kind!r}, which was not announced")
        if unit.kind == "v" and self._awaiting_key:
            if not unit.key:
                self._dropped += 1
                return
            self._awaiting_key = False
        now = self._heard_at = self._monotonic()
        if unit.kind == "v" and unit.key:
            self._keyframes.came()
        if self.state is StreamState.STALLED:
            self._move(Move.RESUME)
        self._relay(self._in_order(unit), now)

    def leave(self, publisher: Publisher) -> None:
        """For Publisher.close."""
        if self._publisher is publisher:
            self._vacate()
            self._end()

    def miss(self, publisher: Publisher) -> None:
        """For Publisher.lose."""
        if self._publisher is not publisher:
            return
        self._vacate()
        if self.state is StreamState.LIVE:
            self._stall()

    def take_over(self, reason: str) -> None:
        """Dismisses the current publisher, who is told, so that another can take the place.

        The stream waits as after ``Publisher.lose``. Without a publisher it does nothing.
        """
        publisher = self._publisher
        if publisher is not None:
            log.info("publisher dismissed", stream=self.id, source=publisher.source, reason=reason)
            publisher.lose()
            publisher.on_ended()

    # -- out

    def subscribe(self, name: str) -> Subscriber:
        """A bounded queue of the units to come, across publications, until it is closed.

        The first unit is a keyframe. ``name`` says in logs and counters who reads.
        """
        subscriber = Subscriber(name, self._settings.subscriber_units, self._forget)
        subscriber.follow(self._tracks, from_start=False)
        if self._closed:
            subscriber.close()
        else:
            self._subscribers.add(subscriber)
        return subscriber

    def request_keyframe(self) -> None:
        """Somebody needs a keyframe soon: the publisher is asked, at most once a second."""
        self._keyframes.want()

    def health(self) -> health.Health:
        """A snapshot for the studio."""
        return health.snapshot(
            state=self.state,
            source=self.source,
            tracks=self._tracks,
            meter=self._meter,
            dropped=self._dropped + sum(s.dropped for s in self._subscribers),
            now=self._monotonic(),
        )

    def close(self) -> None:
        """Ends the publication and every subscriber's iteration; nobody can publish any more."""
        self._closed = True
        self._dismiss()
        self._end()
        for subscriber in tuple(self._subscribers):
            subscriber.close()

    # -- within

    def _begin(self, unit: Unit) -> bool:
        """Starts the announced generation where ``unit`` can open it."""
        assert self._pending is not None
        tracks, origin = self._pending
        if unit.kind == "v" and not unit.key:
            self._dropped += 1
            return False
        if unit.kind not in tracks:
            raise ValueError(f"a unit of kind {unit.kind!r}, which was not announced")
        self._pending = None
        self._tracks = tracks
        self._last_dts = {}
        self._awaiting_key = "v" in tracks
        self._meter = health.Meter(self._monotonic())
        if origin is None:
            origin = time.time() - unit.dts / tracks[unit.kind].timescale
        self.started_at = origin
        self.gen += 1
        if self.state is StreamState.STALLED:
            self.state = after(self.id, self.state, Move.RESUME)
        elif self.state is not StreamState.LIVE:
            self.state = after(self.id, self.state, Move.START)
        for subscriber in self._subscribers:
            subscriber.follow(tracks, from_start=True)
        self.window.reset(self.gen, tracks, origin)
        self._on_change(self)
        return True

    def _in_order(self, unit: Unit) -> Unit:
        last = self._last_dts.get(unit.kind)
        if last is not None and unit.dts <= last:
            unit = replace(unit, dts=last + 1, pts=max(unit.pts, last + 1))
        self._last_dts[unit.kind] = unit.dts
        return unit

    def _relay(self, unit: Unit, now: float) -> None:
        if unit.track is not None:
            self._tracks = {**self._tracks, unit.kind: unit.track}
        if self._meter is not None:
            self._meter.count(unit, now)
        gaps = self.window.gaps
        self.window.write(unit)
        if self.window.gaps > gaps:
            self.request_keyframe()
        for subscriber in tuple(self._subscribers):
            behind = subscriber.skipping
            subscriber.push(unit)
            if subscriber.skipping and not behind:
                self.request_keyframe()

    def _ask_keyframe(self) -> None:
        if self._publisher is not None and self._publisher.request_keyframe is not None:
            self._publisher.request_keyframe()

    def _move(self, move: Move) -> None:
        self.state = after(self.id, self.state, move)
        self._on_change(self)

    def _forget(self, subscriber: Subscriber) -> None:
        if subscriber in self._subscribers:
            self._subscribers.discard(subscriber)
            self._dropped += subscriber.dropped

    def _vacate(self) -> None:
        """The publisher's place is free."""
        self._publisher = None
        self._pending = None
        self._tracks = {}
        self._keyframes.close()

    def _stall(self) -> None:
        self._stalled_at = self._monotonic()
        self._move(Move.SILENCE)

    def _end(self) -> None:
        """Nobody comes back: viewers are told."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self.state in (StreamState.LIVE, StreamState.STALLED):
            self.window.end()
            self._meter = None
            self._move(Move.END)

    def _keep_watch(self) -> None:
        if self._watch is None:
            self._watch = asyncio.get_running_loop().call_later(1.0, self._look)

    def _look(self) -> None:
        self._watch = None
        self.check_silence()
        if self._publisher is not None or self.state is StreamState.STALLED:
            self._keep_watch()

    def check_silence(self) -> None:
        """Has the publisher fallen silent, or not come back? Looked at once a second."""
        now = self._monotonic()
        silent = now - self._heard_at
        if self._publisher is None:
            if self.state is StreamState.STALLED and now - self._stalled_at >= END_SECONDS:
                self._end()
            return
        if self.state is StreamState.LIVE and silent >= STALL_SECONDS:
            self._stall()
        if silent >= STALL_SECONDS + END_SECONDS:
            self._dismiss()

    def _dismiss(self) -> None:
        """Ends the publication from this side."""
        publisher = self._publisher
        if publisher is not None:
            publisher.close()
            publisher.on_ended()
