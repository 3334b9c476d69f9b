"""Which recordings have been kept long enough. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from streamd.recording.lifecycle import RecordingState
from streamd.recording.summary import Summary

DAY_SECONDS = 86_400


def due(
    recordings: Iterable[Summary], now: float, *, keep_days: int, keep_newest: int
) -> list[str]:
    """The ids of those to delete, oldest first; only finished ones.

    ``keep_days`` counts from a recording's end; ``keep_newest`` is how many finished recordings a
    stream keeps. 0 sets no such limit.
    """
    newest: dict[str, int] = {}
    found = []
    finished = [one for one in recordings if one.state is RecordingState.FINISHED]
    for one in sorted(finished, key=lambda one: one.started_at, reverse=True):
        newest[one.header.stream] = place = newest.get(one.header.stream, 0) + 1
        too_old = keep_days > 0 and one.ended_at < now - keep_days * DAY_SECONDS
        too_many = keep_newest > 0 and place > keep_newest
        if too_old or too_many:
            found.append(one.header.id)
    return found[::-1]
