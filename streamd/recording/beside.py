"""Captions and polls of a recording that wait for the next segment to be written. Bounded."""

from __future__ import annotations

from collections.abc import Sequence

from streamd.recording.counters import Counters
from streamd.recording.journal import CaptionLine, Line, PollNote, TallyLine

MOST_CAPTIONS = 200
"""Policy when full: the newest is left out."""

MOST_NOTES = 500
"""Lines of polls. Policy when full: the oldest tally goes, since newer ones say more; where there
is none, the newest line is left out.
"""


class Beside:
    """What was said beside the pictures, in its order."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._lines: list[CaptionLine | PollNote] = []
        self._captions = 0

    @property
    def lines(self) -> tuple[CaptionLine | PollNote, ...]:
        """All that waits."""
        return tuple(self._lines)

    def say(self, caption: CaptionLine) -> None:
        """Takes a caption."""
        if self._captions < MOST_CAPTIONS:
            self._captions += 1
            self._lines.append(caption)
        else:
            self._counters.missed_captions += 1

    def note(self, line: PollNote) -> None:
        """Takes a line of a poll."""
        if len(self._lines) - self._captions >= MOST_NOTES:
            self._counters.missed_notes += 1
            oldest = next((one for one in self._lines if isinstance(one, TallyLine)), None)
            if oldest is None:
                return
            self._lines.remove(oldest)
        self._lines.append(line)

    def drop(self, kept: Sequence[Line]) -> None:
        """These are on the storage."""
        there = set(map(id, kept))
        self._lines = [one for one in self._lines if id(one) not in there]
        self._captions = sum(isinstance(one, CaptionLine) for one in self._lines)
