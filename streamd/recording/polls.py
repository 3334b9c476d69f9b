"""A recording's polls as ``polls.json`` tells of them: the question, its pictures, its curve. Pure.

Everything in it was public when it was recorded: lines hold what everybody was told, no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from streamd.recording.journal import CueLine, Journal, PollLine, PollNote, TallyLine

POLLS = "polls.json"

Cue = dict[str, float | None]
"""``{"open", "close", "show"}``: Unix times on the broadcast's clock, None where unknown."""

_HAPPENED = {"open": "opened_at", "close": "closed_at", "show": "shown_at"}


class RecordedPoll(msgspec.Struct):
    """One poll of a recording. ``curve``: ``[at, total, counts | None]`` in the order of time, with
    a fourth member ``{question: [[word, n], …]}`` where open answers were approved.
    """

    poll: dict[str, Any]
    cue: Cue
    curve: list[tuple[Any, ...]] = []
    late: dict[str, Any] | None = None


class Document(msgspec.Struct):
    """``polls.json``: the polls in the order of their pictures."""

    polls: list[RecordedPoll] = []


def cue_of(row: Mapping[str, Any], delay_seconds: float) -> Cue:
    """When the pictures of a poll's ``row`` are. What had no cue happened when viewers saw it: by
    the wall clock, of which the broadcast is ``delay_seconds`` behind at least.
    """
    told: Mapping[str, float | None] = row.get("cue") or {}
    lag = told.get("lag")
    behind = delay_seconds if lag is None else lag
    found: Cue = {}
    for action, name in _HAPPENED.items():
        at, happened = told.get(action), row.get(name)
        seen = None if happened is None else happened - behind
        # A close that was planned may have been overtaken while nothing was on air.
        known = [one for one in ((at, seen) if action == "close" else (at,)) if one is not None]
        found[action] = min(known, default=seen)
    return found


@dataclass
class RecordedPolls:
    """Takes a recording's lines in their order, each once; ``delay_seconds`` is the recording's."""

    delay_seconds: float = 0.0
    _rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    _cues: dict[str, dict[str, float]] = field(default_factory=dict)
    _curves: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def take(self, line: object) -> None:
        """Takes the journal's next line, whatever it is of."""
        if isinstance(line, PollLine):
            self._rows[line.id] = line.row
        elif isinstance(line, CueLine):
            self._cues.setdefault(line.poll, {})[line.action] = line.at
        elif isinstance(line, TallyLine):
            self._curves.setdefault(line.poll, []).append(_point(line))

    def document(self) -> Document:
        """What is known by now; later lines change nothing in it."""
        polls = [self._recorded(poll, row) for poll, row in self._rows.items()]
        return Document(sorted(polls, key=_first_seen))

    def _recorded(self, poll: str, row: dict[str, Any]) -> RecordedPoll:
        cue = cue_of(row, self.delay_seconds)
        for action, at in self._cues.get(poll, {}).items():
            if cue[action] is None:
                cue[action] = at
        return RecordedPoll(row, cue, list(self._curves.get(poll, ())))


def document(notes: Iterable[PollNote], delay_seconds: float) -> Document:
    """The document of what was recorded."""
    polls = RecordedPolls(delay_seconds)
    for line in notes:
        polls.take(line)
    return polls.document()


def written(journal: Journal) -> bytes:
    """``polls.json`` of a recording that has ended."""
    delay = journal.header.delay_seconds if journal.header is not None else 0.0
    return msgspec.json.encode(document(journal.polls, delay))


def read(text: bytes) -> Document:
    """What ``written`` made. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(text, type=Document)


def _point(line: TallyLine) -> tuple[Any, ...]:
    point = line.at, line.total, line.counts
    return point if line.words is None else (*point, line.words)


def _first_seen(recorded: RecordedPoll) -> float:
    return min((at for at in recorded.cue.values() if at is not None), default=0.0)
