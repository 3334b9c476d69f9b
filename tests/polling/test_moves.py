"""A poll's life on the real store: schedules, edits and withdrawals, by several processes."""

from __future__ import annotations

import asyncio
import time

import pytest

from polling.drafting import edited
from polling.errors import IllegalMove, InvalidPoll, PollLocked
from polling.model import Poll
from polling.poll_rules import PollRules
from polling.questions import Asked, Kind
from polling.rules import MOVES, PollState
from polling.service import PollService
from polling.store import PollStore
from tests.polling.conftest import Serving, Told, ballot, until

pytestmark = pytest.mark.cluster_too

AB = Asked("Q", choices=("a", "b"))


async def asked(service: PollService, rules: PollRules | None = None) -> Poll:
    return await service.create_sheet("alef", [AB], "HQ", rules)


async def test_a_scheduled_poll_opens_by_itself(serving: Serving, told: Told) -> None:
    clock = [1_000.0]
    async with serving(now=lambda: clock[0]) as service:
        poll = await asked(service, PollRules(duration_seconds=60))
        scheduled = await service.moves.schedule(poll.id, 2_000.0)
        assert (scheduled.state, scheduled.opens_at) == (PollState.SCHEDULED, 2_000.0)
        later = await service.moves.schedule(poll.id, 3_000.0)
        assert later.opens_at == 3_000.0
        clock[0] = 3_000.0
        await until(lambda: told.polls[-1].state is PollState.OPEN)
        assert told.polls[-1].opened_at == 3_000.0
        assert told.polls[-1].closes_at == 3_060.0
        assert (await service.cast("device:1", ballot(poll))).seq == 1
        clock[0] = 3_061.0
        await until(lambda: told.polls[-1].state is PollState.CLOSED)
        assert told.polls[-1].closed_at == 3_060.0


async def test_a_schedule_that_passed_while_nobody_served_opens_at_the_start(
    serving: Serving,
) -> None:
    clock = [1_000.0]
    async with serving(now=lambda: clock[0]) as service:
        poll = await service.moves.schedule((await asked(service)).id, 2_000.0)
    clock[0] = 5_000.0
    async with serving(now=lambda: clock[0]) as service:
        opened = await service.get(poll.id)
        assert (opened.state, opened.opened_at) == (PollState.OPEN, 5_000.0)
        await service.close(poll.id)


async def test_two_processes_open_a_scheduled_poll_once(serving: Serving) -> None:
    clock = [1_000.0]
    async with serving(now=lambda: clock[0]) as first, serving(now=lambda: clock[0]) as second:
        poll = await first.moves.schedule((await asked(first)).id, 2_000.0)
        clock[0] = 2_000.0
        async with asyncio.timeout(20):
            while (await first.get(poll.id)).state is not PollState.OPEN:
                await asyncio.sleep(0.01)
        await until(lambda: _knows_open(first, poll) and _knows_open(second, poll))
        for voter, service in (("device:3", first), ("device:4", second)):
            await service.cast(voter, ballot(poll))
        assert (await first.audit(poll.id)).ok


def _knows_open(service: PollService, poll: Poll) -> bool:
    known = service.known(poll.id)
    return known is not None and known.state is PollState.OPEN


@pytest.mark.parametrize("opens_at", [999.0, 1e11])
async def test_no_poll_is_scheduled_for_the_past_or_for_ever(
    serving: Serving, opens_at: float
) -> None:
    async with serving(now=lambda: 1_000.0) as service:
        poll = await asked(service)
        with pytest.raises(InvalidPoll):
            await service.moves.schedule(poll.id, opens_at)


@pytest.mark.one_server
async def test_every_move_does_what_the_table_says(service: PollService) -> None:
    moves = service.moves

    async def make(poll: str, move: str) -> Poll:
        if move == "schedule":
            return await moves.schedule(poll, time.time() + 3_600)
        chosen = {"open": moves.open, "close": moves.close, "archive": moves.archive}
        return await chosen[move](poll)

    ways: dict[PollState, list[str]] = {
        PollState.DRAFT: [],
        PollState.SCHEDULED: ["schedule"],
        PollState.OPEN: ["open"],
        PollState.CLOSED: ["open", "close"],
        PollState.ARCHIVED: ["archive"],
    }
    for state, way in ways.items():
        for move in ("schedule", "open", "close", "archive"):
            poll = await asked(service)
            for step in way:
                await make(poll.id, step)
            to = MOVES[state].get(move)
            if to is None:
                with pytest.raises(IllegalMove):
                    await make(poll.id, move)
                assert (await service.get(poll.id)).state is state
            else:
                assert (await make(poll.id, move)).state is to


async def test_a_poll_changes_until_somebody_has_voted(service: PollService, told: Told) -> None:
    poll = await asked(service)
    edited = await service.moves.edit(
        poll.id, [Asked("R", Kind.MULTIPLE, ("x", "y", "z"))], PollRules(results="after_close")
    )
    assert (edited.version, edited.kind, edited.rules.results) == (2, "multiple", "after_close")
    assert told.polls[-1] == edited
    await service.open(poll.id)
    with pytest.raises(PollLocked):
        await service.moves.edit(poll.id, wanted=PollRules())
    changed = await service.moves.edit(poll.id, [Asked("S", choices=("x", "y"))])
    assert (changed.version, changed.state) == (3, PollState.OPEN)
    assert (await service.tally(poll.id)).counts == {"1": 0, "2": 0}
    await service.cast("device:1", ballot(poll, "2"))
    with pytest.raises(PollLocked):
        await service.moves.edit(poll.id, [AB])
    await service.close(poll.id)
    with pytest.raises(PollLocked):
        await service.moves.edit(poll.id, [AB])
    with pytest.raises(InvalidPoll):
        await service.moves.edit((await asked(service)).id, [Asked("Q")])


async def test_of_a_vote_and_an_edit_at_once_one_wins(service: PollService) -> None:
    for _ in range(10):
        poll = await service.open((await asked(service)).id)
        vote, edit = await asyncio.gather(
            service.cast("device:1", ballot(poll, "1")),
            service.moves.edit(poll.id, [Asked("R", choices=("x", "y"))]),
            return_exceptions=True,
        )
        stands = await service.get(poll.id)
        assert not isinstance(vote, BaseException)
        if isinstance(edit, BaseException):
            assert isinstance(edit, PollLocked)
            assert stands.version == 1
        assert (await service.audit(poll.id)).ok


async def test_a_poll_of_several_shards_is_fixed_once_it_is_open(service: PollService) -> None:
    poll = await asked(service, PollRules(shards=3))
    await service.moves.edit(poll.id, [Asked("R", choices=("x", "y"))])
    await service.open(poll.id)
    with pytest.raises(PollLocked):
        await service.moves.edit(poll.id, [AB])


async def test_what_never_opened_cannot_be_shown(service: PollService) -> None:
    poll = await asked(service)
    with pytest.raises(IllegalMove):
        await service.moves.show(poll.id)
    await service.archive(poll.id)
    with pytest.raises(IllegalMove):
        await service.moves.show(poll.id)


async def test_rules_do_not_change_under_an_opening_of_the_same_moment(
    service: PollService, polls: PollStore
) -> None:
    poll = await asked(service)
    await service.open(poll.id)
    # An edit that was begun while the poll was a draft.
    begun = edited(poll, wanted=PollRules(results="organiser"))
    assert not await polls.edit(begun, when_open=False)
    assert (await service.get(poll.id)).rules == poll.rules
