"""Which segments a recording takes, and where its discontinuities stand. Pure.

While storage cannot follow, segments are left out until it can: then the recording goes on with
the next segment that starts with a keyframe, and with the audio of the same time. Tracks are left
out and taken up again together, so that both always have the same discontinuities.
"""

from __future__ import annotations

from dataclasses import dataclass

from streamd.media.units import Kind
from streamd.relay.segmenter import Segment


@dataclass(frozen=True, slots=True)
class Place:
    """Where an admitted segment stands: its file number, and its run (journal.SegmentLine)."""

    n: int
    run: int


class Admission:
    """Takes the segments of one recording in the order in which the relay cuts them."""

    def __init__(self) -> None:
        self.skipping = False
        self._runs = -1
        """The highest run so far."""
        self._gen: int | None = None
        self._has_video = False
        self._seen: dict[Kind, int] = {}
        """The current run of each track, within this generation and since the last gap."""
        self._numbers: dict[Kind, int] = {"v": 0, "a": 0}
        self._resumed_at: float | None = None

    def admit(self, segment: Segment, room: bool) -> Place | None:
        """Its place, or None where it is left out. ``room``: whether the queue has any.

        Only a leading segment (video, or audio alone) needs room: the audio that belongs to a
        video segment which was taken is taken too.
        """
        if segment.gen != self._gen:
            self._gen = segment.gen
            self._has_video = False
            self._seen = {}
        self._has_video = self._has_video or segment.kind == "v"
        if self.leads(segment):
            if not room:
                self.interrupt()
            elif self.skipping and segment.independent:
                self.skipping = False
                self._resumed_at = segment.begins
        if self.skipping or self._is_before_resumption(segment):
            return None
        run = self._run(segment)
        n = self._numbers[segment.kind]
        self._numbers[segment.kind] = n + 1
        return Place(n, run)

    def interrupt(self, kept: int | None = None) -> None:
        """The recording has a gap from here on. ``kept`` is the highest run of what was kept, -1
        for none, where whatever was admitted since is lost: its runs are given out again.
        """
        self.skipping = True
        self._seen = {}
        if kept is not None:
            self._runs = kept

    def leads(self, segment: Segment) -> bool:
        """Whether the other track follows this one's cuts."""
        return segment.kind == "v" or not self._has_video

    def _is_before_resumption(self, segment: Segment) -> bool:
        if self._resumed_at is None or self.leads(segment):
            return False
        if segment.begins + segment.seconds / 2 < self._resumed_at:
            return True
        self._resumed_at = None
        return False

    def _run(self, segment: Segment) -> int:
        known = self._seen.get(segment.kind)
        if known is not None:
            run = known + segment.discontinuity
        elif self._seen:
            # The first of its track in this generation, or after a gap: where the other track is.
            run = max(self._seen.values())
        else:
            run = self._runs + 1
        self._seen[segment.kind] = run
        self._runs = max(self._runs, run)
        return run
