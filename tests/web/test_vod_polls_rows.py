"""Recorded polls as they stand now: without the store, after moderation, beyond the recording."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from polling.errors import StoreDown
from polling.late import late_poll
from polling.model import Poll, Tally
from polling.poll_rules import PollRules
from polling.questions import Asked, Kind, check_questions
from polling.rules import PollState
from streamd.recording.polls import Document, RecordedPoll
from streamd.web.services import Services
from streamd.web.vod_polls import _brought_up_to_date

ASKED = check_questions([Asked("What matters?", Kind.TEXT)])
OPEN = Poll(
    "p", "alef", ASKED, "HQ", 90.0, PollRules(late=True), state=PollState.OPEN, opened_at=100.0
)
CLOSED = msgspec.structs.replace(OPEN, state=PollState.CLOSED, closed_at=160.0)
CURVE: list[tuple[Any, ...]] = [
    (101.0, 1, {"answers": 1}),
    (103.0, 3, {"answers": 3}, {"q1": [["water", 2], ["spam", 1]]}),
]
RECORDED = Document([RecordedPoll(OPEN.to_dict(), dict.fromkeys(("open", "close", "show")), CURVE)])


class Store:
    """The polls that a store has, each with its tally; None: it does not answer."""

    def __init__(self, *rows: tuple[Poll, Tally], away: bool = False) -> None:
        self.rows = {poll.id: (poll, tally) for poll, tally in rows}
        self.away = away

    async def with_tallies(self, polls: list[str]) -> tuple[tuple[Poll, Tally], ...]:
        if self.away:
            raise StoreDown("away")
        return tuple(self.rows[poll] for poll in polls if poll in self.rows)

    async def late_answers(self, *polls: str) -> tuple[tuple[Poll, Tally], ...]:
        return tuple(row for row in self.rows.values() if row[0].late_of in polls)


def tally(poll: str, state: PollState, total: int, **more: Any) -> Tally:
    return Tally(poll, state, total, total, {"answers": total}, **more)


async def shown(store: Store) -> RecordedPoll:
    services = cast(Services, SimpleNamespace(polls=store))
    (found,) = (await _brought_up_to_date(services, RECORDED, 2.0)).polls
    return found


@pytest.mark.parametrize("store", [Store(away=True), Store()])
async def test_without_the_store_it_is_as_it_was_recorded(store: Store) -> None:
    assert await shown(store) == RECORDED.polls[0]


async def test_words_that_were_taken_back_are_not_replayed() -> None:
    words = {"q1": [("water", 2)]}
    found = await shown(Store((OPEN, tally("p", PollState.OPEN, 3, words=words))))
    assert found.curve == [CURVE[0], (*CURVE[1][:3], {"q1": [["water", 2]]})]
    assert found.cue == {"open": 98.0, "close": None, "show": None}
    assert found.late is None
    none = await shown(Store((OPEN, tally("p", PollState.OPEN, 3, words={"q1": []}))))
    assert none.curve[1][3] == {"q1": []}


async def test_a_curve_ends_with_the_result_where_the_poll_outlived_the_recording() -> None:
    words = {"q1": [("water", 4)]}
    late = msgspec.structs.replace(late_poll(CLOSED, 160.0), state=PollState.OPEN, opened_at=160.0)
    store = Store(
        (CLOSED, tally("p", PollState.CLOSED, 5, words=words)),
        (late, tally(late.id, PollState.OPEN, 2)),
    )
    found = await shown(store)
    assert found.curve[-1] == (158.0, 5, {"answers": 5}, {"q1": [["water", 4]]})
    assert found.cue["close"] == 158.0
    assert found.late is not None
    assert (found.late["poll"], found.late["total"]) == (late.id, 2)
    # Only those who answered late see how others did, while it is open.
    assert found.late["tally"]["counts"] is None
    assert found.poll["late"] == {"poll": late.id, "state": "open", "total": 2}


async def test_late_answers_that_are_not_open_yet_are_not_told() -> None:
    closed = tally("p", PollState.CLOSED, 5, words={"q1": []})
    draft = late_poll(CLOSED, 160.0)
    found = await shown(Store((CLOSED, closed), (draft, tally(draft.id, PollState.DRAFT, 0))))
    assert found.late is None
    assert found.poll["late"] is None
