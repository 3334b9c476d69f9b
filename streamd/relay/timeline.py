"""A publisher's timestamps as media time that goes on whatever they do. Pure.

Small jitter is kept. A timestamp that steps back, or far ahead of both the track's own last one and
of the time that has passed since, is taken for a jump of the publisher's clock: the track goes on
from where it was, by arrival, and the other track follows onto the same new footing as soon as its
timestamps jump too, so that sound and picture stay together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from streamd.media.units import Kind, Track, Unit

BACK_SECONDS = 0.5
"""A step back up to this is jitter: the unit is moved one tick past the last one."""

AHEAD_SECONDS = 3.0
"""A step ahead up to this is kept, and so is a longer one that took as long to arrive."""

REORDER_SECONDS = 5.0
"""A presentation further than this from its decoding is no reordering, but nonsense."""

START_SECONDS = 60.0
"""Without an origin, a first timestamp beyond this says nothing: media time starts at 0."""


class _Line:
    """One track's place on media time. Times in seconds, ``last`` in ticks of its timescale."""

    def __init__(self, timescale: int) -> None:
        self.timescale = timescale
        self.shift = 0.0
        self.last = -1
        self.arrived: float | None = None
        self.step = 0.0
        """The latest distance between two units that was an ordinary one, up to a second."""

    @property
    def started(self) -> bool:
        return self.arrived is not None

    @property
    def time(self) -> float:
        return self.last / self.timescale

    def expected(self, now: float) -> float:
        """Where the track should be by the time that has passed."""
        assert self.arrived is not None
        return self.time + max(now - self.arrived, 0.0)


class Timeline:
    """Places one generation's units on media time.

    ``jumps`` counts the jumps of the publisher's clock, ``last_jump`` is the latest one's seconds.
    """

    def __init__(self, tracks: Mapping[Kind, Track]) -> None:
        self._lines = {kind: _Line(track.timescale) for kind, track in tracks.items()}
        self.jumps = 0
        self.last_jump = 0.0

    @property
    def newest(self) -> float:
        """How far media time has come, in seconds."""
        return max(line.time for line in self._lines.values())

    def start(self, unit: Unit, *, anchored: bool) -> float:
        """Settles where media time starts with the first unit; returns the seconds added to all
        timestamps. ``anchored``: the source said what moment its timestamp 0 is.
        """
        first = unit.dts / self._lines[unit.kind].timescale
        shift = -first if first < 0 or (first > START_SECONDS and not anchored) else 0.0
        for line in self._lines.values():
            line.shift = shift
        return shift

    def place(self, unit: Unit, now: float) -> Unit:
        """The unit on media time; ``now`` is when it arrived, on any steady clock.

        Its dts is past the last one of its track, since MP4 and MSE need it to rise.
        """
        line = self._lines[unit.kind]
        raw = unit.dts / line.timescale
        shift = self._shift_for(line, raw, now)
        if shift is None:
            shift = self._anchor(line, raw, now)
        line.shift = shift
        moved = round(shift * line.timescale)
        dts = unit.dts + moved
        late = dts <= line.last
        dts = max(dts, line.last + 1)
        if line.started and dts - line.last <= line.timescale:
            line.step = (dts - line.last) / line.timescale
        line.last, line.arrived = dts, now
        reorder = unit.pts - unit.dts
        if abs(reorder) > REORDER_SECONDS * line.timescale:
            reorder = 0
        pts = max(unit.pts + moved, dts) if late else dts + reorder
        duration = unit.duration
        if late or (duration is not None and duration > AHEAD_SECONDS * line.timescale):
            duration = None
        if (dts, pts, duration) == (unit.dts, unit.pts, unit.duration):
            return unit
        return replace(unit, dts=dts, pts=pts, duration=duration)

    def _shift_for(self, line: _Line, raw: float, now: float) -> float | None:
        """The footing the timestamp stands on: the track's own, or the one the other has taken."""
        if self._fits(line, raw, line.shift, now):
            return line.shift
        for other in self._others(line):
            if other.shift != line.shift and self._fits(line, raw, other.shift, now):
                return other.shift
        return None

    def _fits(self, line: _Line, raw: float, shift: float, now: float) -> bool:
        time = raw + shift
        others = [other for other in self._others(line) if other.started]
        if not line.started:
            return all(abs(time - other.expected(now)) <= AHEAD_SECONDS for other in others)
        step = time - line.time
        if -BACK_SECONDS <= step <= AHEAD_SECONDS:
            return True
        if step < 0:
            return False
        # Silence; or pictures left out while the sound went on.
        return abs(time - line.expected(now)) <= AHEAD_SECONDS or any(
            other.shift == shift and abs(time - other.time) <= AHEAD_SECONDS for other in others
        )

    def _anchor(self, line: _Line, raw: float, now: float) -> float:
        """A new footing: the track goes on by arrival."""
        reference = line if line.started else next(iter(self._others(line)))
        self.jumps += 1
        self.last_jump = raw + line.shift - reference.time
        time = reference.expected(now)
        if line.started and time - line.time < 2 * line.step:
            time = line.time + line.step
        return time - raw

    def _others(self, line: _Line) -> list[_Line]:
        return [other for other in self._lines.values() if other is not line]
