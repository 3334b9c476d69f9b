"""The broadcast delay: what was taken in waits here before anybody is given it.

One timer releases each event as long after its arrival as the delay is, in order, so the pace of
the publisher is kept. What would make more than ``most_bytes`` wait is dropped, newest first, and
video then up to a keyframe that fits; ``dropped`` counts it. Releasing early instead would show a
moment before its time, which is what a delay is there to prevent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from streamd.media.units import Kind, Track, Unit
from streamd.relay.lifecycle import Move

log = structlog.get_logger(__name__)

OVERHEAD_BYTES = 256
"""Counted for each unit beside its payload, and for each start, so that these are bounded too."""

TOGETHER_SECONDS = 0.002
"""Events due within this of one another are released together."""


@dataclass(frozen=True, slots=True)
class Begin:
    """A generation starts with the unit that follows; ``move`` is what the stream does by it."""

    tracks: dict[Kind, Track]
    origin: float
    move: Move | None


Event = Begin | Move | Unit
"""What travels from the way in to the viewers: a start, a move of the stream's life, media."""


class DelayQueue:
    """Events and the times at which they are due. Pure: ``now`` is given, in seconds."""

    def __init__(self, seconds: float, most_bytes: int) -> None:
        self.dropped = 0
        self.waiting_bytes = 0
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._events: deque[tuple[float, Event]] = deque()
        self._awaiting_key = False
        self._unsent: dict[Kind, Track] = {}

    def __len__(self) -> int:
        return len(self._events)

    @property
    def due(self) -> float | None:
        """When the oldest event is due; None where nothing waits."""
        return self._events[0][0] if self._events else None

    def put(self, event: Event, now: float) -> bool:
        """Takes an event; False where it was dropped."""
        if isinstance(event, Unit):
            taken = self._fit(event)
            if taken is None:
                self.dropped += 1
                return False
            self.waiting_bytes += _cost(taken)
            event = taken
        elif isinstance(event, Begin):
            self._awaiting_key = False
            self._unsent.clear()
            event = self._instead(event)
            self.waiting_bytes += OVERHEAD_BYTES
        self._events.append((now + self._seconds, event))
        return True

    def pop(self, now: float) -> Event | None:
        """The oldest event if it is due."""
        if not self._events or self._events[0][0] > now:
            return None
        event = self._events.popleft()[1]
        self.waiting_bytes -= _cost(event)
        return event

    def clear(self) -> None:
        """Forgets what waits."""
        self._events.clear()
        self.waiting_bytes = 0

    def _instead(self, begin: Begin) -> Begin:
        """``begin``, in the place of a generation before it of which no unit found room: whoever
        announces again and again makes no more than one wait.
        """
        last = self._events[-1][1] if self._events else None
        if not isinstance(last, Begin):
            return begin
        self._events.pop()
        self.waiting_bytes -= OVERHEAD_BYTES
        return replace(begin, move=last.move) if begin.move is None else begin

    def _fit(self, unit: Unit) -> Unit | None:
        """The unit as it may wait, or None. A dropped configuration comes with the next one."""
        video = unit.kind == "v"
        full = self.waiting_bytes + _cost(unit) > self._most_bytes
        if full or (video and self._awaiting_key and not unit.key):
            self._awaiting_key = self._awaiting_key or video
            if unit.track is not None:
                self._unsent[unit.kind] = unit.track
            return None
        if video:
            self._awaiting_key = False
        missed = self._unsent.pop(unit.kind, None)
        return replace(unit, track=missed) if missed is not None and unit.track is None else unit


class Delay:
    """The queue and its timer. ``release`` gets each event; it may raise: then ``on_fault`` is
    called, and the next event is released all the same.
    """

    def __init__(
        self,
        queue: DelayQueue,
        release: Callable[[Event], None],
        monotonic: Callable[[], float],
        on_full: Callable[[], None] = lambda: None,
        on_fault: Callable[[], None] = lambda: None,
    ) -> None:
        self.queue = queue
        self._release = release
        self._monotonic = monotonic
        self._on_full = on_full
        self._on_fault = on_fault
        self._timer: asyncio.TimerHandle | None = None

    def put(self, event: Event) -> None:
        """Takes an event that happens now."""
        if not self.queue.put(event, self._monotonic()):
            self._on_full()
        self._arm()

    def clear(self) -> None:
        """Forgets what waits: nobody is shown it any more."""
        self.queue.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def release_due(self) -> None:
        """Releases what is due by now; the timer calls it."""
        until = self._monotonic() + TOGETHER_SECONDS
        while (event := self.queue.pop(until)) is not None:
            try:
                self._release(event)
            except Exception:
                log.exception("delayed media could not be relayed")
                self._on_fault()

    def _arm(self) -> None:
        due = self.queue.due
        if self._timer is None and due is not None:
            wait = max(due - self._monotonic(), 0.0)
            self._timer = asyncio.get_running_loop().call_later(wait, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self.release_due()
        self._arm()


def _cost(event: Event) -> int:
    if isinstance(event, Unit):
        return len(event.payload) + OVERHEAD_BYTES
    return OVERHEAD_BYTES if isinstance(event, Begin) else 0
