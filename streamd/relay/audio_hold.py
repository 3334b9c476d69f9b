"""Audio on its way into HLS waits for the pictures of its moment. Pure.

Audio is cut where video is. Until the next picture has come nobody knows whether a cut lies before
a piece of sound; so it waits for that picture. Then where audio is cut does not depend on which of
the two arrived first, and every process that relays the units cuts alike.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from streamd.media.units import MEDIA_TIMESCALE, Kind, Track, Unit
from streamd.relay.hls_state import HoldState

LONGEST = 2 * MEDIA_TIMESCALE
MOST_UNITS = 512
"""Bounds on what waits, in media time and units. Policy when full: the oldest goes on, as if its
picture had come."""


class AudioHold:
    """One generation's. Without both tracks everything goes on at once."""

    def __init__(self, tracks: Mapping[Kind, Track]) -> None:
        self._scale = tracks["a"].timescale if "a" in tracks else 1
        self._holds = len(tracks) > 1
        self._waiting: deque[Unit] = deque()
        self._pictures_until: int | None = None

    @classmethod
    def resumed(cls, state: HoldState) -> AudioHold:
        """Goes on where the one that ``state`` is of stood."""
        one = cls({})
        one._scale, one._holds = state.scale, state.holds
        one._waiting.extend(state.waiting)
        one._pictures_until = state.pictures_until
        return one

    @property
    def state(self) -> HoldState:
        """For ``resumed``."""
        return HoldState(self._scale, self._holds, list(self._waiting), self._pictures_until)

    def push(self, unit: Unit) -> list[Unit]:
        """Takes the next unit; returns those that go on now, in order."""
        if not self._holds:
            return [unit]
        going: list[Unit] = []
        if unit.kind == "v":
            self._pictures_until = unit.dts
            going.append(unit)
        else:
            self._waiting.append(unit)
        while self._waiting and self._may_go(self._waiting[0]):
            going.append(self._waiting.popleft())
        return going

    def rest(self) -> list[Unit]:
        """No picture will come any more: whatever waits."""
        going, self._waiting = list(self._waiting), deque()
        return going

    def _may_go(self, unit: Unit) -> bool:
        at = self._time(unit)
        if self._pictures_until is not None and at <= self._pictures_until:
            return True
        first = at if self._pictures_until is None else self._pictures_until
        newest = self._time(self._waiting[-1])
        return newest - first > LONGEST or len(self._waiting) > MOST_UNITS

    def _time(self, unit: Unit) -> int:
        return unit.pts * MEDIA_TIMESCALE // self._scale
