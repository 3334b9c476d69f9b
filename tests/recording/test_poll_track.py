"""What a recording is told of polls: every change, numbers at a pace, and nothing of the past."""

from __future__ import annotations

from typing import Any

import pytest

from streamd.recording.journal import PollLine, PollNote, TallyLine
from streamd.recording.poll_track import MOST_POLLS, PollTrack

BEGAN = 1_800_000_000.0


class Heard:
    """A track and what it gave; ``joined``: what would bring its poll into a recording."""

    def __init__(self) -> None:
        self.track = PollTrack()
        self.lines: list[PollNote] = []
        self.joined: list[PollNote] = []
        self.unlisten = self.track.listen(self._hear)

    def _hear(self, line: PollNote, joins: bool) -> None:
        self.lines.append(line)
        if joins:
            self.joined.append(line)

    @property
    def totals(self) -> list[tuple[float, int]]:
        """The curve: seconds after BEGAN, answers."""
        tallies = [line for line in self.lines if isinstance(line, TallyLine)]
        return [(line.at - BEGAN, line.total) for line in tallies]


def row(state: str = "open", **more: Any) -> dict[str, Any]:
    return {"id": "p", "state": state, "shown_at": None, **more}


def tally(at: float, total: int, counts: dict[str, int] | None = None) -> TallyLine:
    return TallyLine("p", BEGAN + at, total, counts)


@pytest.fixture
def heard() -> Heard:
    made = Heard()
    made.track.tell("p", row(), over=False)
    return made


def test_a_poll_is_told_of_when_it_changes(heard: Heard) -> None:
    heard.track.tell("p", row(), over=False)
    heard.track.tell("p", row(question="Another?"), over=False)
    heard.track.tell("p", row("closed"), over=True)
    rows = [line.row for line in heard.lines if isinstance(line, PollLine)]
    assert rows == [row(), row(question="Another?"), row("closed")]
    assert len(heard.joined) == 2
    heard.unlisten()
    heard.track.tell("p", row("archived"), over=True)
    assert len(heard.lines) == 3


def test_numbers_come_at_most_once_a_second_and_the_newest_always(heard: Heard) -> None:
    for quarter in range(11):
        heard.track.count(tally(quarter / 4, quarter), last=False)
    assert heard.totals == [(0.0, 0), (1.0, 4), (2.0, 8)]
    heard.track.flush(BEGAN + 2.75)
    assert heard.totals[3:] == []
    heard.track.flush(BEGAN + 3.0)
    heard.track.flush(BEGAN + 9.0)
    assert heard.totals[3:] == [(2.5, 10)]
    heard.track.count(tally(2.75, 25), last=False)
    heard.track.flush()
    assert heard.totals[4:] == [(2.75, 25)]


def test_the_same_numbers_are_no_news_but_the_last_ones_are_told(heard: Heard) -> None:
    heard.track.count(tally(0, 5), last=False)
    heard.track.count(tally(5, 5), last=False)
    heard.track.count(tally(6, 5, {"1": 5}), last=True)
    assert heard.totals == [(0, 5), (6, 5)]


def test_the_last_numbers_do_not_wait_and_come_before_the_close(heard: Heard) -> None:
    heard.track.count(tally(0, 1), last=False)
    heard.track.count(tally(0.25, 2), last=False)
    heard.track.count(tally(0.5, 3), last=True)
    heard.track.tell("p", row("closed"), over=True)
    assert heard.totals == [(0.0, 1), (0.5, 3)]
    assert heard.lines[-1] == PollLine("p", row("closed"))


def test_what_waits_is_told_before_the_close(heard: Heard) -> None:
    heard.track.count(tally(0, 1), last=False)
    heard.track.count(tally(0.25, 2), last=False)
    heard.track.tell("p", row("closed"), over=True)
    assert heard.totals == [(0.0, 1), (0.25, 2)]


def test_the_curve_never_steps_back(heard: Heard) -> None:
    heard.track.count(tally(5, 1), last=False)
    heard.track.count(tally(3, 2), last=True)
    assert heard.totals == [(5, 1), (5, 2)]


def test_six_hours_of_votes_are_a_few_thousand_points(heard: Heard) -> None:
    for second in range(6 * 3_600):
        heard.track.count(tally(second, second), last=False)
    assert 2_000 < len(heard.totals) < 3_000
    assert heard.totals[600] == (600, 600)


def test_many_numbers_come_less_often(heard: Heard) -> None:
    wide = {str(n): n for n in range(400)}
    for second in range(20):
        heard.track.count(tally(second, second, wide), last=False)
    assert [at for at, _ in heard.totals] == [0, 4, 8, 12, 16]


def test_a_recording_that_begins_knows_what_is_open(heard: Heard) -> None:
    heard.track.count(tally(0, 1), last=False)
    heard.track.count(tally(0.5, 2), last=False)
    assert heard.track.standing() == [PollLine("p", row()), tally(0.5, 2)]
    heard.track.tell("q", {"id": "q"}, over=False)
    heard.track.tell("p", row("closed"), over=True)
    assert heard.track.standing() == [PollLine("q", {"id": "q"})]


def test_polls_of_the_past_are_no_part_of_what_is_on_air(heard: Heard) -> None:
    heard.track.tell("old", {"id": "old", "state": "archived"}, over=True)
    heard.track.count(TallyLine("old", BEGAN, 9, None), last=True)
    assert heard.lines == [PollLine("p", row())]
    heard.track.tell("p", row("closed"), over=True)
    heard.track.tell("p", row("archived"), over=True)
    assert heard.joined == [PollLine("p", row())]


def test_showing_results_brings_a_closed_poll_back(heard: Heard) -> None:
    heard.track.count(tally(1, 3), last=True)
    heard.track.tell("p", row("closed"), over=True)
    shown = row("closed", shown_at=9.0)
    heard.track.tell("p", shown, over=True)
    assert heard.joined[-1] == PollLine("p", shown)
    assert heard.lines[-1] == tally(1, 3)


def test_only_so_many_polls_are_remembered(heard: Heard) -> None:
    heard.track.tell("p", row("closed"), over=True)
    for n in range(MOST_POLLS):
        heard.track.tell(f"{n}", {"id": n}, over=False)
    assert len(heard.track.standing()) == MOST_POLLS
    heard.track.tell("one more", {"id": "one more"}, over=False)
    assert len(heard.track.standing()) == MOST_POLLS
