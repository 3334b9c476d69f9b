"""What comes into a stream: its publisher, the life of the publication, and its measurement.

Everything here is as the publisher has it; viewers get it as events, behind the broadcast delay.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from streamd.errors import AlreadyPublishing, IllegalMove
from streamd.media.units import Kind, Track, Unit
from streamd.relay.delay import Begin, Event
from streamd.relay.health import LinkHealth, Meter
from streamd.relay.inspector import Inspector, refuse_undecodable
from streamd.relay.keyframes import KeyframeRequests
from streamd.relay.lifecycle import MOVE_OF_A_START, Move, StreamState, after
from streamd.relay.loudness import Loudness
from streamd.relay.notices import Notices
from streamd.relay.publisher import Publisher
from streamd.relay.silence import Silence
from streamd.relay.timeline import Timeline

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Pending:
    """Tracks that were announced and wait for the unit that can start them."""

    tracks: dict[Kind, Track]
    origin: float | None
    inspector: Inspector


class Intake:
    """At most one publisher, and what its units go through before anybody sees them."""

    def __init__(
        self,
        stream_id: str,
        notices: Notices,
        emit: Callable[[Event], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = StreamState.IDLE
        self.tracks: dict[Kind, Track] = {}
        self.dropped = 0
        self.meter: Meter | None = None
        self.loudness = Loudness()
        self.live_since: float | None = None
        self.origin = 0.0
        """The Unix time of the generation's media time 0."""
        self.keyframes = KeyframeRequests(self._ask_keyframe, monotonic)
        self._id = stream_id
        self._notices = notices
        self._emit = emit
        self._monotonic = monotonic
        self._publisher: Publisher | None = None
        self._pending: _Pending | None = None
        self._inspector: Inspector | None = None
        self._timeline: Timeline | None = None
        self._awaiting_key = False
        self._silence = Silence(monotonic, self.check_silence, self._waits)

    # -- the publisher's place

    def publish(
        self,
        source: str,
        request_keyframe: Callable[[], None] | None,
        on_ended: Callable[[], None],
        link: Callable[[], LinkHealth | None],
    ) -> Publisher:
        """See Stream.publish."""
        if self._publisher is not None:
            raise AlreadyPublishing(self._id)
        publisher = Publisher(self._id, self, source, request_keyframe, on_ended, link)
        self._publisher = publisher
        self._silence.hear(self._monotonic())
        self._notices.begin()
        self._silence.watch()
        return publisher

    @property
    def publisher(self) -> Publisher | None:
        """Who publishes now."""
        return self._publisher

    @property
    def reordered(self) -> int:
        """Pictures of this generation that were shown before an earlier one: B-frames."""
        return self._inspector.reordered if self._inspector is not None else 0

    @property
    def edge(self) -> float | None:
        """The newest media's time on the broadcast's own clock; None where none is coming."""
        if self._timeline is None or self.state is not StreamState.LIVE:
            return None
        return self.origin + self._timeline.newest

    @property
    def ends_in(self) -> float | None:
        """Seconds until a stalled stream has ended; None where it is not stalled."""
        if self.state is not StreamState.STALLED:
            return None
        return max(self._waits_for, 0.0)

    def pend(self, tracks: dict[Kind, Track], origin: float | None) -> None:
        """For Publisher.announce."""
        for track in tracks.values():
            refuse_undecodable(track, self._notices)
        inspector = Inspector(self._notices, tracks, self._monotonic())
        self._pending = _Pending(tracks, origin, inspector)

    def take(self, unit: Unit) -> None:
        """For Publisher.write."""
        now = self._monotonic()
        if self._pending is not None and not self._begin(self._pending, unit, now):
            return
        if self._timeline is None or self._inspector is None or self.meter is None:
            raise IllegalMove(self._id, self.state.value, "take units before announce")
        if unit.kind not in self.tracks:
            raise ValueError(f"a unit of kind {unit.kind!r}, which was not announced")
        if unit.kind == "v" and self._awaiting_key:
            if not unit.key:
                self._pass_over(self._inspector, unit, now)
                return
            self._awaiting_key = False
        if unit.track is not None:
            refuse_undecodable(unit.track, self._notices)
            self.tracks = {**self.tracks, unit.kind: unit.track}
        self._silence.hear(now)
        if unit.kind == "v" and unit.key:
            self.keyframes.came()
        if self.state is StreamState.STALLED:
            self._move(Move.RESUME)
        unit = self._place(self._timeline, self._inspector, unit, now)
        self._inspector.see(unit, now)
        self.meter.count(unit, now)
        if unit.kind == "a":
            self.loudness.note(self.tracks["a"], unit, now)
        self._emit(unit)

    def leave(self, publisher: Publisher) -> None:
        """For Publisher.close."""
        if self._publisher is not publisher:
            return
        begun = self._timeline is not None
        self._vacate()
        # Who sent nothing ends nobody else's broadcast: a stalled stream goes on waiting.
        if begun or self.state is not StreamState.STALLED:
            self.end()

    def miss(self, publisher: Publisher) -> None:
        """For Publisher.lose."""
        if self._publisher is not publisher:
            return
        self._vacate()
        if self.state is StreamState.LIVE:
            self._stall()

    def take_over(self, reason: str) -> None:
        """See Stream.take_over."""
        publisher = self._publisher
        if publisher is not None:
            log.info("publisher dismissed", stream=self._id, source=publisher.source, reason=reason)
            publisher.lose()
            publisher.on_ended()

    def dismiss(self) -> None:
        """Ends the publication from this side; its publisher is told."""
        publisher = self._publisher
        if publisher is not None:
            publisher.close()
            self.end()
            publisher.on_ended()

    def end_lost(self) -> None:
        """See Stream.end_lost."""
        if self.state not in (StreamState.LIVE, StreamState.STALLED):
            return
        if self._timeline is not None:
            if not self._silence.is_loss:
                raise AlreadyPublishing(self._id)
            self.dismiss()
            return
        self.end()
        # Who has the place and nothing on air yet may be another device: it starts anew.
        if self._publisher is not None:
            self._silence.watch()

    def end(self) -> None:
        """Nobody comes back: viewers are told, where something was on air."""
        self._silence.rest()
        if self.state in (StreamState.LIVE, StreamState.STALLED):
            if self._inspector is not None:
                self._inspector.end()
            self.meter = self._inspector = None
            self.live_since = None
            self._move(Move.END)

    def overflowed(self) -> None:
        """The broadcast delay dropped a unit."""
        if self._inspector is not None:
            self._inspector.overflowed(self._monotonic())

    def check_silence(self) -> None:
        """Has the publisher fallen silent, or not come back? Looked at once a second."""
        if self._publisher is None:
            if self.state is StreamState.STALLED and self._waits_for <= 0:
                self.end()
            return
        inspector = self._inspector or (self._pending.inspector if self._pending else None)
        if inspector is not None:
            inspector.tick(self._monotonic())
        if self.state is StreamState.LIVE and self._silence.is_stall:
            self._stall()
        if self._waits_for <= 0:
            self.dismiss()

    # -- within

    @property
    def _waits_for(self) -> float:
        """Seconds until nobody is waited for any more."""
        return self._silence.ends_in(publishing=self._publisher is not None)

    def _waits(self) -> bool:
        return self._publisher is not None or self.state is StreamState.STALLED

    def _begin(self, pending: _Pending, unit: Unit, now: float) -> bool:
        """Starts the announced generation where ``unit`` can open it."""
        if unit.kind == "v" and not unit.key:
            self._pass_over(pending.inspector, unit, now)
            return False
        if unit.kind not in pending.tracks:
            raise ValueError(f"a unit of kind {unit.kind!r}, which was not announced")
        self._pending = None
        self.tracks = pending.tracks
        self._timeline = Timeline(pending.tracks)
        self._inspector = pending.inspector
        self._awaiting_key = "v" in pending.tracks
        self.meter = Meter(now)
        shift = self._timeline.start(unit, anchored=pending.origin is not None)
        if pending.origin is not None:
            origin = pending.origin - shift
        else:
            origin = time.time() - shift - unit.dts / pending.tracks[unit.kind].timescale
        move = MOVE_OF_A_START[self.state]
        if move is not None:
            self.state = after(self._id, self.state, move)
        if move is Move.START:
            self.live_since = now
        self._notices.settle()
        self.origin = origin
        self._emit(Begin(pending.tracks, origin, move))
        return True

    def _place(self, timeline: Timeline, inspector: Inspector, unit: Unit, now: float) -> Unit:
        jumps = timeline.jumps
        placed = timeline.place(unit, now)
        if timeline.jumps > jumps:
            if jumps == 0:
                log.info("timestamps jumped", stream=self._id, seconds=round(timeline.last_jump))
            inspector.jumped(timeline.jumps, now)
        return placed

    def _pass_over(self, inspector: Inspector, unit: Unit, now: float) -> None:
        self.dropped += 1
        inspector.pass_over(unit, now)

    def _ask_keyframe(self) -> None:
        if self._publisher is not None and self._publisher.request_keyframe is not None:
            self._publisher.request_keyframe()

    def _move(self, move: Move) -> None:
        self.state = after(self._id, self.state, move)
        self._emit(move)

    def _vacate(self) -> None:
        """The publisher's place is free."""
        self._publisher = None
        self._pending = self._timeline = None
        self.tracks = {}
        self.keyframes.close()
        self.loudness.clear()

    def _stall(self) -> None:
        self._silence.stall()
        self._move(Move.SILENCE)
