"""What a stream's viewers are given: its state, its window, its subscribers."""

from __future__ import annotations

from collections.abc import Callable

from streamd.media.units import Kind, Track, Unit
from streamd.relay.delay import Begin, Event
from streamd.relay.lifecycle import Move, StreamState, after
from streamd.relay.subscriber import Subscriber
from streamd.relay.window import Window


class Outlet:
    """The events of a stream, in order, as everybody outside sees them.

    ``gen`` counts generations; ``started_at`` is the Unix time of the current one's media time 0,
    None before the first. ``want_keyframe`` is called where a keyframe would help a reader.
    """

    def __init__(
        self,
        stream_id: str,
        window: Window,
        subscriber_units: int,
        on_change: Callable[[], None],
        want_keyframe: Callable[[], None],
    ) -> None:
        self.state = StreamState.IDLE
        self.gen = 0
        self.started_at: float | None = None
        self._id = stream_id
        self._window = window
        self._subscriber_units = subscriber_units
        self._on_change = on_change
        self._want_keyframe = want_keyframe
        self._tracks: dict[Kind, Track] = {}
        self._subscribers: set[Subscriber] = set()
        self._dropped = 0
        self._closed = False

    @property
    def dropped(self) -> int:
        """Units lost to slow subscribers so far."""
        return self._dropped + sum(one.dropped for one in self._subscribers)

    def take(self, event: Event) -> None:
        """The next event."""
        if isinstance(event, Unit):
            self._relay(event)
        elif isinstance(event, Begin):
            self._begin(event)
        else:
            self._move(event)

    def subscribe(self, name: str) -> Subscriber:
        """See Stream.subscribe."""
        subscriber = Subscriber(name, self._subscriber_units, self._forget)
        subscriber.follow(self._tracks, from_start=False)
        if self._closed:
            subscriber.close()
        else:
            self._subscribers.add(subscriber)
        return subscriber

    def close(self) -> None:
        """Ends what is on air and every subscriber's iteration."""
        self._closed = True
        if self.state in (StreamState.LIVE, StreamState.STALLED):
            self._move(Move.END)
        for subscriber in tuple(self._subscribers):
            subscriber.close()

    def _begin(self, begin: Begin) -> None:
        self._tracks = dict(begin.tracks)
        self.started_at = begin.origin
        self.gen += 1
        if begin.move is not None:
            self.state = after(self._id, self.state, begin.move)
        for subscriber in self._subscribers:
            subscriber.follow(begin.tracks, from_start=True)
        self._window.reset(self.gen, begin.tracks, begin.origin)
        self._on_change()

    def _move(self, move: Move) -> None:
        self.state = after(self._id, self.state, move)
        if move is Move.END:
            self._tracks = {}
            self._window.end()
        self._on_change()

    def _relay(self, unit: Unit) -> None:
        if unit.track is not None:
            self._tracks = {**self._tracks, unit.kind: unit.track}
        gaps = self._window.gaps
        self._window.write(unit)
        wanted = self._window.gaps > gaps
        for subscriber in tuple(self._subscribers):
            behind = subscriber.skipping
            subscriber.push(unit)
            wanted = wanted or (subscriber.skipping and not behind)
        if wanted:
            self._want_keyframe()

    def _forget(self, subscriber: Subscriber) -> None:
        if subscriber in self._subscribers:
            self._subscribers.discard(subscriber)
            self._dropped += subscriber.dropped
