"""Where HLS segments are cut, and their bytes. Pure: no clock."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from streamd.media import fmp4
from streamd.media.units import MEDIA_TIMESCALE, Kind, Track, Unit
from streamd.relay.packager import audio_duration

QUICK_SEGMENTS = 3
"""A generation's first segments end at the first keyframe after QUICK_SECONDS, so that a player
has three of them, the usual starting point, long before three target durations have passed."""

QUICK_SECONDS = 1

SEGMENT_SECONDS = 2
"""Later segments end at the first keyframe after this: a player stays three segments behind live,
so short ones bring it near. The target duration is only the bound they keep."""


@dataclass(slots=True)
class Segment:
    """A whole segment. ``begins`` is the Unix time of its first presentation; ``seconds`` real.

    ``version`` counts the configurations of its track within the generation. ``sequence`` and the
    discontinuity at a generation's start are settled by the playlist that lists it.
    """

    kind: Kind
    gen: int
    version: int
    begins: float
    seconds: float
    independent: bool
    units: int
    body: bytes
    sequence: int = 0
    discontinuity: bool = False


@dataclass(frozen=True, slots=True)
class _VideoCut:
    """Where audio is to be cut: media time, and whether a discontinuity stands there."""

    at: int
    discontinuity: bool


class _Open:
    """The segment of one track that is still growing."""

    def __init__(self, track: Track) -> None:
        self.track = track
        self.version = 0
        self.units: list[Unit] = []
        self.count = 0
        self.starts_anew = False
        """What is open does not continue the segment before it."""
        self.discontinuous = False
        """The same of what comes after the next cut."""


class Segmenter:
    """Cuts one generation's units into segments of at most ``target`` seconds, rounded."""

    def __init__(
        self, gen: int, tracks: Mapping[Kind, Track], origin: float, target_seconds: int
    ) -> None:
        self._gen = gen
        self._origin = origin
        self._target = target_seconds
        self._open = {kind: _Open(track) for kind, track in tracks.items()}
        self._cuts: deque[_VideoCut] = deque(maxlen=64)
        self._last_key: int | None = None
        self._key_interval = 0
        self._interval = 0

    def version(self, kind: Kind) -> int:
        """The number of the track's current configuration, from 0."""
        return self._open[kind].version

    def change(self, unit: Unit) -> list[Segment]:
        """The configuration changes with ``unit``: what is open ends before it."""
        assert unit.track is not None
        opened = self._open[unit.kind]
        segments = self._cut(opened, unit.dts) if opened.units else []
        if segments and unit.kind == "v":
            self._cuts.append(_VideoCut(_media_time(unit.pts, opened.track), discontinuity=True))
        opened.track = unit.track
        opened.version += 1
        if opened.count:
            opened.starts_anew = True
        return segments

    def push(self, unit: Unit) -> list[Segment]:
        """Takes the next unit; returns the segment that ended before it, if one did."""
        opened = self._open[unit.kind]
        segments: list[Segment] = []
        due = unit.kind == "a" and "v" in self._open and self._audio_is_due(opened, unit)
        if opened.units and (due or self._ends_before(opened, unit)):
            segments = self._cut(opened, unit.dts)
            if unit.kind == "v":
                at = _media_time(unit.pts, opened.track)
                self._cuts.append(_VideoCut(at, discontinuity=False))
        if unit.kind == "v":
            self._note_video(unit, opened)
        opened.units.append(unit)
        return segments

    def finish(self) -> list[Segment]:
        """The generation has ended: whatever is open."""
        segments = []
        for opened in self._open.values():
            if opened.units:
                last = opened.units[-1]
                segments += self._cut(opened, last.dts + self._duration(opened, last))
        return segments

    def _ends_before(self, opened: _Open, unit: Unit) -> bool:
        scale = opened.track.timescale
        elapsed = unit.dts - opened.units[0].dts
        longest = self._longest(opened)
        shortest = scale * (QUICK_SECONDS if opened.count < QUICK_SEGMENTS else SEGMENT_SECONDS)
        if elapsed + self._duration(opened, unit) > longest:
            return True
        if unit.kind == "a":
            if "v" not in self._open:
                return elapsed >= shortest
            return False
        if not unit.key:
            return False
        if elapsed >= shortest:
            return True
        until_next = unit.dts - self._last_key if self._last_key is not None else self._key_interval
        return elapsed + max(until_next, self._key_interval) > longest

    def _audio_is_due(self, opened: _Open, unit: Unit) -> bool:
        due = False
        now = _media_time(unit.pts, opened.track)
        while self._cuts and self._cuts[0].at <= now:
            cut = self._cuts.popleft()
            # Section 6.2.4: renditions have the same discontinuity sequence at the same time.
            opened.discontinuous |= cut.discontinuity and bool(opened.units)
            due = True
        return due

    def _longest(self, opened: _Open) -> int:
        """Section 4.3.3.1: a duration, rounded to the nearest integer, is at most the target."""
        scale = opened.track.timescale
        return self._target * scale + scale * 2 // 5

    def _note_video(self, unit: Unit, opened: _Open) -> None:
        if opened.units:
            self._interval = unit.dts - opened.units[-1].dts
        if unit.key:
            if self._last_key is not None:
                self._key_interval = unit.dts - self._last_key
            self._last_key = unit.dts

    def _duration(self, opened: _Open, unit: Unit) -> int:
        if unit.kind == "a":
            return audio_duration(unit, opened.track)
        return unit.duration or self._interval or MEDIA_TIMESCALE // 25

    def _cut(self, opened: _Open, end: int) -> list[Segment]:
        """Closes what is open; ``end`` is the decode time it lasts to, in the track's ticks."""
        units, opened.units = opened.units, []
        opened.count += 1
        discontinuity, opened.starts_anew = opened.starts_anew, opened.discontinuous
        opened.discontinuous = False
        # After a silence the next unit may be far away: no segment lasts until then.
        last_end = units[-1].dts + self._duration(opened, units[-1])
        end = min(end, max(last_end, units[0].dts + self._longest(opened)))
        scale = opened.track.timescale
        times = [*(unit.dts for unit in units), end]
        durations = [after - before for before, after in itertools.pairwise(times)]
        segment = Segment(
            kind=units[0].kind,
            gen=self._gen,
            version=opened.version,
            begins=self._origin + units[0].pts / scale,
            seconds=(end - units[0].dts) / scale,
            independent=units[0].key,
            units=len(units),
            body=fmp4.segment(opened.track, opened.count, units, durations),
            discontinuity=discontinuity,
        )
        return [segment]


def _media_time(ticks: int, track: Track) -> int:
    return ticks * MEDIA_TIMESCALE // track.timescale
