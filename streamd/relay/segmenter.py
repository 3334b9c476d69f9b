"""Where HLS segments and their parts are cut, and their bytes. Pure: no clock.

A part ends before the unit that would come 85 % of the part target or more after its first one: so
it has the other 15 % as room for a late frame. Where a single frame lasts longer than that, the
part is told to last the target, and the frame keeps its real duration in the media.
"""

from __future__ import annotations

import itertools
import statistics
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from streamd.media import fmp4
from streamd.media.units import MEDIA_TIMESCALE, Kind, Track, Unit
from streamd.relay.packager import audio_duration
from streamd.relay.part_target import PartTarget

QUICK_SEGMENTS = 3
"""A generation's first segments end at the first keyframe after QUICK_SECONDS, so that a player
has three of them, the usual starting point, long before three target durations have passed."""

QUICK_SECONDS = 1

SEGMENT_SECONDS = 2
"""Later segments end at the first keyframe after this: a player without low latency stays three
segments behind live, so short ones bring it near. The target duration is only the bound they
keep."""


@dataclass(frozen=True, slots=True)
class HlsPart:
    """A segment's next piece: moof + mdat, behind a styp in its first one.

    ``begins`` is the Unix time of its first presentation, ``seconds`` what a playlist tells.
    ``independent``: it holds a keyframe; ``starts_with_key``: at its very start. ``version`` counts
    the configurations of its track within the generation; ``discontinuity`` is its segment's.
    """

    kind: Kind
    gen: int
    version: int
    begins: float
    seconds: float
    independent: bool
    starts_with_key: bool
    discontinuity: bool
    body: bytes


@dataclass(slots=True)
class Segment:
    """A whole segment: its ``body`` is its parts', one after the other.

    ``begins`` is the Unix time of its first presentation; ``seconds`` real.
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
class Cut:
    """A part that is complete, and its segment where that ends with it."""

    part: HlsPart
    segment: Segment | None


@dataclass(frozen=True, slots=True)
class VideoCut:
    """Where audio is to be cut: media time, and whether a discontinuity stands there."""

    at: int
    discontinuity: bool


@dataclass(slots=True)
class OpenSegment:
    """The segment of one track that is still growing; ``units`` are those of its open part.

    ``starts_anew``: what is open does not continue the segment before it; ``discontinuous``: the
    same of what comes after the next cut.
    """

    track: Track
    version: int = 0
    units: list[Unit] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    first: Unit | None = None
    unit_count: int = 0
    segments: int = 0
    fragments: int = 0
    starts_anew: bool = False
    discontinuous: bool = False

    def add(self, unit: Unit) -> None:
        if self.first is None:
            self.first = unit
        self.units.append(unit)
        self.unit_count += 1


@dataclass(frozen=True, slots=True)
class SegmenterState:
    """All that a segmenter knows. ``open`` and ``cuts`` are its own, not copies."""

    gen: int
    origin: float
    open: dict[Kind, OpenSegment]
    cuts: list[VideoCut]
    last_key: int | None
    key_interval: int
    interval: int


class Segmenter:
    """Cuts one generation's units into segments of at most ``target`` seconds, rounded, and those
    into parts. ``part_target`` is settled by the first of them to need it."""

    def __init__(
        self,
        gen: int,
        tracks: Mapping[Kind, Track],
        origin: float,
        target_seconds: int,
        part_target: PartTarget,
    ) -> None:
        self._gen = gen
        self._origin = origin
        self._target = target_seconds
        self._part_target = part_target
        self._open = {kind: OpenSegment(track) for kind, track in tracks.items()}
        self._cuts: deque[VideoCut] = deque(maxlen=64)
        self._last_key: int | None = None
        self._key_interval = 0
        self._interval = 0

    @classmethod
    def resumed(
        cls, state: SegmenterState, target_seconds: int, part_target: PartTarget
    ) -> Segmenter:
        """Goes on where the one that ``state`` is of stood."""
        one = cls(state.gen, {}, state.origin, target_seconds, part_target)
        one._open = state.open
        one._cuts.extend(state.cuts)
        one._last_key = state.last_key
        one._key_interval, one._interval = state.key_interval, state.interval
        return one

    @property
    def state(self) -> SegmenterState:
        """For ``resumed``; to be written down before the next unit comes."""
        times = (self._last_key, self._key_interval, self._interval)
        return SegmenterState(self._gen, self._origin, self._open, list(self._cuts), *times)

    def version(self, kind: Kind) -> int:
        """The number of the track's current configuration, from 0."""
        return self._open[kind].version

    def change(self, unit: Unit) -> list[Cut]:
        """The configuration changes with ``unit``: what is open ends before it."""
        assert unit.track is not None
        opened = self._open[unit.kind]
        cuts = [self._cut(opened, unit.dts, last=True)] if opened.units else []
        if cuts and unit.kind == "v":
            self._cuts.append(VideoCut(_media_time(unit.pts, opened.track), discontinuity=True))
        opened.track = unit.track
        opened.version += 1
        if opened.segments:
            opened.starts_anew = True
        return cuts

    def push(self, unit: Unit) -> list[Cut]:
        """Takes the next unit; returns the part that ended before it, if one did."""
        opened = self._open[unit.kind]
        cuts: list[Cut] = []
        due = unit.kind == "a" and "v" in self._open and self._audio_is_due(opened, unit)
        if opened.units and (due or self._ends_before(opened, unit)):
            cuts.append(self._cut(opened, unit.dts, last=True))
            if unit.kind == "v":
                at = _media_time(unit.pts, opened.track)
                self._cuts.append(VideoCut(at, discontinuity=False))
        elif opened.units and self._part_ends_before(opened, unit):
            cuts.append(self._cut(opened, unit.dts, last=False))
        if unit.kind == "v":
            self._note_video(unit, opened)
        opened.add(unit)
        return cuts

    def finish(self) -> list[Cut]:
        """The generation has ended: whatever is open."""
        cuts = []
        for opened in self._open.values():
            if opened.units:
                last = opened.units[-1]
                cuts.append(self._cut(opened, last.dts + self._duration(opened, last), last=True))
        return cuts

    def _ends_before(self, opened: OpenSegment, unit: Unit) -> bool:
        assert opened.first is not None
        scale = opened.track.timescale
        elapsed = unit.dts - opened.first.dts
        longest = self._longest(opened)
        quick = opened.segments < QUICK_SEGMENTS
        shortest = scale * (QUICK_SECONDS if quick else SEGMENT_SECONDS)
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

    def _part_ends_before(self, opened: OpenSegment, unit: Unit) -> bool:
        elapsed = Fraction(unit.dts - opened.units[0].dts, opened.track.timescale)
        if elapsed < self._part_target.least:
            return False
        self._settle_part_target(unit)
        return elapsed >= self._part_target.least

    def _settle_part_target(self, next_unit: Unit | None = None) -> None:
        if self._part_target.seconds is not None:
            return
        frames = []
        for kind, opened in self._open.items():
            units = [*opened.units, next_unit] if next_unit and next_unit.kind == kind else []
            steps = [b.dts - a.dts for a, b in itertools.pairwise(units or opened.units)]
            if kind == "a" and opened.units:
                steps = [audio_duration(opened.units[0], opened.track)]
            if steps:
                frames.append(Fraction(int(statistics.median(steps)), opened.track.timescale))
        self._part_target.settle([frame for frame in frames if frame > 0])

    def _audio_is_due(self, opened: OpenSegment, unit: Unit) -> bool:
        due = False
        now = _media_time(unit.pts, opened.track)
        while self._cuts and self._cuts[0].at <= now:
            cut = self._cuts.popleft()
            # Section 6.2.4: renditions have the same discontinuity sequence at the same time.
            opened.discontinuous |= cut.discontinuity and bool(opened.units)
            due = True
        return due

    def _longest(self, opened: OpenSegment) -> int:
        """Section 4.3.3.1: a duration, rounded to the nearest integer, is at most the target."""
        scale = opened.track.timescale
        return self._target * scale + scale * 2 // 5

    def _note_video(self, unit: Unit, opened: OpenSegment) -> None:
        if opened.units:
            self._interval = unit.dts - opened.units[-1].dts
        if unit.key:
            if self._last_key is not None:
                self._key_interval = unit.dts - self._last_key
            self._last_key = unit.dts

    def _duration(self, opened: OpenSegment, unit: Unit) -> int:
        if unit.kind == "a":
            return audio_duration(unit, opened.track)
        return unit.duration or self._interval or MEDIA_TIMESCALE // 25

    def _cut(self, opened: OpenSegment, end: int, *, last: bool) -> Cut:
        """Closes the open part, and its segment where it is the ``last``; ``end`` is the decode
        time it lasts to, in the track's ticks."""
        assert opened.first is not None
        self._settle_part_target()
        units, opened.units = opened.units, []
        # After a silence the next unit may be far away: no segment lasts until then.
        last_end = units[-1].dts + self._duration(opened, units[-1])
        end = min(end, max(last_end, opened.first.dts + self._longest(opened)))
        part = self._part(opened, units, end)
        opened.bodies.append(part.body)
        return Cut(part, self._close(opened, part, end) if last else None)

    def _part(self, opened: OpenSegment, units: list[Unit], end: int) -> HlsPart:
        times = [*(unit.dts for unit in units), end]
        durations = [after - before for before, after in itertools.pairwise(times)]
        opened.fragments += 1
        write = fmp4.fragment if opened.bodies else fmp4.segment
        scale = opened.track.timescale
        assert self._part_target.seconds is not None
        return HlsPart(
            kind=units[0].kind,
            gen=self._gen,
            version=opened.version,
            begins=self._origin + units[0].pts / scale,
            seconds=min((end - units[0].dts) / scale, float(self._part_target.seconds)),
            independent=any(unit.key for unit in units),
            starts_with_key=units[0].key,
            discontinuity=opened.starts_anew,
            body=write(opened.track, opened.fragments, units, durations),
        )

    def _close(self, opened: OpenSegment, last: HlsPart, end: int) -> Segment:
        first, opened.first = opened.first, None
        assert first is not None
        bodies, opened.bodies = opened.bodies, []
        count, opened.unit_count = opened.unit_count, 0
        opened.segments += 1
        discontinuity, opened.starts_anew = opened.starts_anew, opened.discontinuous
        opened.discontinuous = False
        scale = opened.track.timescale
        return Segment(
            kind=last.kind,
            gen=self._gen,
            version=last.version,
            begins=self._origin + first.pts / scale,
            seconds=(end - first.dts) / scale,
            independent=first.key,
            units=count,
            body=b"".join(bodies),
            discontinuity=discontinuity,
        )


def _media_time(ticks: int, track: Track) -> int:
    return ticks * MEDIA_TIMESCALE // track.timescale
