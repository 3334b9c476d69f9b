"""Whoever sends a stream its units: one publication, from its beginning to its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from streamd.errors import IllegalMove
from streamd.media.units import Kind, Track, Unit
from streamd.relay.health import LinkHealth


class Place(Protocol):
    """What a publisher writes to."""

    def pend(self, tracks: dict[Kind, Track], origin: float | None) -> None: ...

    def take(self, unit: Unit) -> None: ...

    def leave(self, publisher: Publisher) -> None: ...

    def miss(self, publisher: Publisher) -> None: ...


class Publisher:
    """One publication, from ``Stream.publish`` to ``close`` or ``lose``. Only on the stream's
    loop.
    """

    def __init__(
        self,
        stream_id: str,
        place: Place,
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
        self._stream_id = stream_id
        self._place = place

    def announce(self, tracks: Sequence[Track], origin: float | None = None) -> None:
        """The tracks of the units that follow: the next usable unit starts a new generation.

        ``origin`` is the Unix time of media time 0 where the source knows it; otherwise the first
        unit is taken to be of now. At most one track a kind. Raises IllegalMove once closed,
        UnsupportedMedia for video that browsers do not decode.
        """
        self._check_open("announce")
        by_kind = {track.kind: track for track in tracks}
        if not tracks or len(by_kind) < len(tracks):
            raise ValueError("announce needs one video track, one audio track, or one of each")
        self._place.pend(by_kind, origin)

    def write(self, unit: Unit) -> None:
        """Relays one unit, in decoding order a track. Video before the first keyframe is dropped.

        Timestamps that jump are put right (timeline.py). Raises IllegalMove once closed or before
        ``announce``, ValueError for a kind not announced, UnsupportedMedia where the unit brings a
        configuration that browsers do not decode.
        """
        self._check_open("write")
        self._place.take(unit)

    def close(self) -> None:
        """Ends the publication, and the stream with it. May be called twice.

        Where nothing of it was relayed, a stalled stream goes on waiting as if it had not been.
        """
        if not self.closed:
            self.closed = True
            self._place.leave(self)

    def lose(self) -> None:
        """The connection broke off: the place is free at once, and the stream waits as stalled.

        Whoever publishes within ``END_SECONDS`` goes on with the same stream, and its viewers
        stay. After ``close`` or ``lose`` it does nothing.
        """
        if not self.closed:
            self.closed = True
            self._place.miss(self)

    def _check_open(self, move: str) -> None:
        if self.closed:
            raise IllegalMove(self._stream_id, "no longer yours", move)
