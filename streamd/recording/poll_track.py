"""One stream's polls as everybody is told of them, for whoever records the stream.

Pure: all times are given, in Unix seconds on the broadcast's clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from streamd.recording.journal import PollLine, PollNote, TallyLine

MOST_POLLS = 64
"""Remembered of a stream; past it the one that was told of longest ago goes, finished ones first.
"""

SHORTEST_SECONDS = 1.0
CURVE_SHARE = 600
"""Tallies of a poll are a second apart at least, and 1/600 of the time since its first: a poll of
ten minutes has 600 at most, one of six hours 2,800."""

NUMBERS_A_SECOND = 100
"""And further apart where each holds many numbers."""

OnNote = Callable[[PollNote, bool], None]
"""Gets each line, and whether it brings its poll into a recording that has not had it yet."""


@dataclass(slots=True)
class _Told:
    """A poll that was told of; ``over``: it takes no votes any more."""

    line: PollLine
    over: bool
    began: float | None = None
    written: TallyLine | None = None
    waiting: TallyLine | None = None

    def is_due(self, now: float) -> bool:
        """Whether what waits, or another one, may be written at ``now``."""
        if self.written is None or self.began is None:
            return True
        numbers = len(self.written.counts or ()) + 2 * sum(map(len, _clouds(self.written)))
        apart = max((now - self.began) / CURVE_SHARE, numbers / NUMBERS_A_SECOND)
        return now - self.written.at >= max(SHORTEST_SECONDS, apart)


class PollTrack:
    """Conflates tallies and hands lines to its listeners. What waits comes with ``flush``."""

    def __init__(self) -> None:
        self._polls: dict[str, _Told] = {}
        self._listeners: dict[object, OnNote] = {}

    def tell(self, poll: str, row: dict[str, Any], *, over: bool) -> None:
        """Everybody is told of the poll: ``row`` is all that they see of it."""
        known = self._polls.get(poll)
        if known is not None and known.line.row == row:
            return
        line = PollLine(poll, row)
        if known is None:
            if over:
                # It is no part of what is on air: put away now, or read again.
                return
            self._remember(poll, _Told(line, over))
            self._give(line, joins=True)
            return
        shown = known.line.row.get("shown_at") != row.get("shown_at")
        known.line, known.over = line, over
        if over:
            self._write(known)
        self._give(line, joins=shown or not over)
        if over and shown and known.written is not None:
            # It may be news to a recording that began after the poll's close.
            self._give(known.written, joins=False)

    def count(self, tally: TallyLine, *, last: bool) -> None:
        """Everybody sees these numbers; ``last``: no others will come."""
        known = self._polls.get(tally.poll)
        if known is None:
            return
        newest = known.waiting or known.written
        if newest is not None:
            if _numbers(newest) == _numbers(tally) and not last:
                return
            if tally.at < newest.at:
                tally = msgspec.structs.replace(tally, at=newest.at)
        known.waiting = tally
        if last or known.is_due(tally.at):
            self._write(known)

    def flush(self, now: float | None = None) -> None:
        """Writes what has waited long enough by ``now``; None: all of it."""
        for known in self._polls.values():
            if now is None or known.is_due(now):
                self._write(known)

    def standing(self) -> list[PollNote]:
        """What a recording that begins now has to know: the polls that take votes, with their
        newest numbers.
        """
        found: list[PollNote] = []
        for known in self._polls.values():
            if not known.over:
                newest = known.waiting or known.written
                found += [known.line] if newest is None else [known.line, newest]
        return found

    def listen(self, on_note: OnNote) -> Callable[[], None]:
        """Calls ``on_note`` for each line; returns the function that ends it."""
        token = object()
        self._listeners[token] = on_note

        def unlisten() -> None:
            self._listeners.pop(token, None)

        return unlisten

    def _write(self, known: _Told) -> None:
        if known.waiting is None:
            return
        known.written, known.waiting = known.waiting, None
        if known.began is None:
            known.began = known.written.at
        self._give(known.written, joins=False)

    def _give(self, line: PollNote, *, joins: bool) -> None:
        for listener in tuple(self._listeners.values()):
            listener(line, joins)

    def _remember(self, poll: str, told: _Told) -> None:
        self._polls[poll] = told
        if len(self._polls) > MOST_POLLS:
            finished = (name for name, one in self._polls.items() if one.over)
            del self._polls[next(finished, next(iter(self._polls)))]


class PollTracks:
    """Every stream's track, made at first use."""

    def __init__(self) -> None:
        self._tracks: dict[str, PollTrack] = {}

    def of(self, stream: str) -> PollTrack:
        """The track of a stream that exists."""
        return self._tracks.setdefault(stream, PollTrack())


def _numbers(tally: TallyLine) -> tuple[object, ...]:
    return tally.total, tally.counts, tally.words


def _clouds(tally: TallyLine) -> list[list[tuple[str, int]]]:
    return list((tally.words or {}).values())
