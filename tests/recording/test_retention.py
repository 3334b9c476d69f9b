"""What is due for deletion: by age, by number, never what is not finished."""

from __future__ import annotations

from streamd.recording.journal import Header
from streamd.recording.lifecycle import RecordingState
from streamd.recording.retention import DAY_SECONDS, due
from streamd.recording.summary import Summary

NOW = 1_800_000_000.0


def kept(
    name: str, age_days: float, stream: str = "mina", state: RecordingState | None = None
) -> Summary:
    ended = NOW - age_days * DAY_SECONDS
    return Summary(
        Header(name, stream),
        state or RecordingState.FINISHED,
        ended - 3_600,
        ended,
        3_600.0,
        0.0,
        1,
    )


ALL = [kept("old", 31), kept("new", 1), kept("older", 40), kept("other", 35, "kaveh")]


def test_by_age_oldest_first() -> None:
    assert due(ALL, NOW, keep_days=30, keep_newest=0) == ["older", "other", "old"]


def test_nothing_is_due_without_limits() -> None:
    assert due(ALL, NOW, keep_days=0, keep_newest=0) == []


def test_by_number_a_stream() -> None:
    assert due(ALL, NOW, keep_days=0, keep_newest=1) == ["older", "old"]


def test_what_is_not_finished_stays_and_does_not_count() -> None:
    unfinished = [
        kept("running", 40, state=RecordingState.RECORDING),
        kept("broken", 40, state=RecordingState.INCOMPLETE),
        kept("going", 40, state=RecordingState.DELETING),
    ]
    assert due(unfinished, NOW, keep_days=1, keep_newest=1) == []
    assert due([*unfinished, kept("one", 2)], NOW, keep_days=30, keep_newest=1) == []
