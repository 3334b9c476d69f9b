"""An open poll's deadline is moved: what is allowed, what follows it, and what is kept of it."""

from __future__ import annotations

import asyncio
import math

import pytest

from polling.deadlines import DeadlineMove, check_deadline
from polling.errors import DeadlinePassed, DeadlineSpent, IllegalMove, InvalidPoll, PollClosed
from polling.model import Poll
from polling.poll_rules import PollRules
from polling.questions import Asked
from polling.rules import PollState
from polling.service import PollService
from polling.store import PollStore
from tests.polling.conftest import Serving, Told, ballot, until
from tests.polling.test_stage import Broadcast

AB = Asked("Q", choices=("a", "b"))


async def opened(service: PollService, seconds: int | None = 60, shards: int = 1) -> Poll:
    rules = PollRules(duration_seconds=seconds, shards=shards)
    return await service.open((await service.create_sheet("alef", [AB], "HQ", rules)).id)


@pytest.mark.parametrize("closes_at", [999.0, 1_000.0, 1_000.0 + 604_801, math.inf, math.nan, True])
def test_a_deadline_is_ahead_and_within_a_week(closes_at: float) -> None:
    with pytest.raises(InvalidPoll) as refused:
        check_deadline("aaaaaaaaaa", closes_at, None, 1_000.0)
    assert refused.value.field == "closes_at"


def test_however_often_it_is_moved_a_poll_closes_within_a_week_of_its_first_deadline() -> None:
    latest = 1_060.0 + 7 * 24 * 3600
    assert check_deadline("aaaaaaaaaa", latest, 605_000.0, 600_000.0, 1_060.0) == latest
    with pytest.raises(InvalidPoll, match="a week after its first deadline") as refused:
        check_deadline("aaaaaaaaaa", latest + 1, 605_000.0, 600_000.0, 1_060.0)
    assert refused.value.field == "closes_at"


def test_a_close_that_was_seen_stays() -> None:
    assert check_deadline("aaaaaaaaaa", 1_060.0, 1_000.1, 1_000.0) == 1_060.0
    with pytest.raises(DeadlinePassed, match="over on its viewers' screens"):
        check_deadline("aaaaaaaaaa", 1_060.0, 1_000.0, 1_000.0)


@pytest.mark.cluster_too
@pytest.mark.parametrize("shards", [1, 4])
async def test_ballots_are_taken_until_the_new_deadline(
    serving: Serving, told: Told, shards: int
) -> None:
    clock = [1_000.0]
    async with serving(now=lambda: clock[0], stage=Broadcast(clock)) as service:
        poll = await opened(service, shards=shards)
        clock[0] = 1_050.0
        poll = await service.moves.move_deadline(poll.id, 1_118.5)
        row = poll.to_dict()
        assert (row["closes_at"], row["ballots_until"]) == (1_118.5, 1_118.5 + 2 + 15)
        assert row["cue"] == {"open": 998.5, "close": 1_118.5, "show": None, "lag": 2.0, "rev": 1}
        assert row["deadlines"] == [{"at": 1_050.0, "from": 1_058.5, "to": 1_118.5}]
        assert told.polls[-1] == poll
        clock[0] = 1_130.0  # past the old bound, by far
        for voter in range(8):  # on every shard
            await service.cast(f"device:{voter}", ballot(poll))
        clock[0] = 1_136.0
        with pytest.raises(PollClosed):
            await service.cast("device:9", ballot(poll))
        await until(lambda: told.polls[-1].state is PollState.CLOSED)
        assert told.polls[-1].closed_at == 1_135.5
        assert (await service.audit(poll.id)).ok


async def test_it_is_moved_back_and_forth_and_every_move_is_kept(serving: Serving) -> None:
    clock = [1_000.0]
    async with serving(now=lambda: clock[0]) as service:
        poll = await opened(service)
        for closes_at in (1_120.0, 1_030.0, 1_030.0):  # the same again is no move
            moved = await service.moves.move_deadline(poll.id, closes_at)
        assert moved.deadlines == (
            DeadlineMove(1_000.0, 1_060.0, 1_120.0),
            DeadlineMove(1_000.0, 1_120.0, 1_030.0),
        )
        assert (moved.closes_at, moved.cue) == (1_030.0, None)
        assert await service.get(poll.id) == moved
        # An edit leaves them what they are.
        edited = await service.moves.edit(poll.id, [Asked("R", choices=("a", "b"))])
        assert edited.deadlines == moved.deadlines
        clock[0] = 1_030.5
        with pytest.raises(PollClosed):
            await service.cast("device:1", ballot(edited))


async def test_a_poll_without_a_deadline_is_given_one(serving: Serving) -> None:
    clock = [1_000.0]
    async with serving(now=lambda: clock[0]) as service:
        poll = await opened(service, None)
        moved = await service.moves.move_deadline(poll.id, 1_020.0)
        assert moved.deadlines == (DeadlineMove(1_000.0, None, 1_020.0),)
        assert moved.closes_at == 1_020.0


async def test_only_of_an_open_poll_and_not_once_its_close_was_seen(serving: Serving) -> None:
    clock = [1_000.0]
    stage = Broadcast(clock)
    async with serving(now=lambda: clock[0], stage=stage) as service:
        draft = await service.create_sheet("alef", [AB], "HQ")
        with pytest.raises(IllegalMove):
            await service.moves.move_deadline(draft.id, 1_100.0)
        poll = await opened(service)
        clock[0] = 1_061.0  # ballots are taken still: some viewers are behind
        with pytest.raises(DeadlinePassed):
            await service.moves.move_deadline(poll.id, 1_100.0)
        # Where the broadcast has broken off the wall clock goes on for it.
        stage.lag = None
        with pytest.raises(DeadlinePassed):
            await service.moves.move_deadline(poll.id, 1_100.0)
        second = await opened(service)
        await service.close(second.id)
        with pytest.raises(IllegalMove):
            await service.moves.move_deadline(second.id, 1_200.0)


async def test_a_close_by_hand_on_air_is_a_move_too(serving: Serving) -> None:
    clock = [1_000.0]
    async with serving(now=lambda: clock[0], stage=Broadcast(clock)) as service:
        poll = await opened(service)
        await service.moves.move_deadline(poll.id, 1_200.0)
        clock[0] = 1_010.0
        closing = await service.close(poll.id)
        assert (closing.cue or {})["close"] == 1_008.5
        assert (closing.cue or {})["rev"] == 2
        assert closing.deadlines[-1] == DeadlineMove(1_010.0, 1_200.0, 1_008.5)


@pytest.mark.cluster_too
async def test_the_clock_does_not_close_what_was_extended_meanwhile(
    serving: Serving, polls: PollStore
) -> None:
    clock = [1_000.0]
    async with serving(now=lambda: clock[0]) as service:
        read_before = await opened(service)
        await service.moves.move_deadline(read_before.id, 1_100.0)
        assert read_before.closes_at is not None
        stands = await polls.close_unmoved(read_before, read_before.closes_at)
        assert (stands.state, stands.closes_at) == (PollState.OPEN, 1_100.0)
        # Nor does a second move from the same reading take the first one's place.
        move = DeadlineMove(1_001.0, 1_060.0, 1_300.0)
        stands = await polls.move_deadline(read_before, move, closes_at=1_300.0)
        assert stands.closes_at == 1_100.0


@pytest.mark.cluster_too
async def test_every_process_follows_a_deadline(serving: Serving) -> None:
    clock = [1_000.0]
    async with serving(now=lambda: clock[0]) as first, serving(now=lambda: clock[0]) as second:
        poll = await opened(first, shards=2)
        await until(lambda: second.known(poll.id) is not None)
        moved = await first.moves.move_deadline(poll.id, 1_100.0)
        await until(lambda: second.known(poll.id) == moved)


async def voted_on_every_shard(service: PollService, poll: Poll) -> None:
    """Fails where a shard takes no vote; of 24 voters one shard in four gets none in 1 of 250."""
    voters = [f"device:{voter}" for voter in range(24)]
    await asyncio.gather(*(service.cast(voter, ballot(poll)) for voter in voters))


@pytest.mark.cluster_too
async def test_who_read_the_poll_before_a_move_takes_no_shard_back(
    serving: Serving, polls: PollStore
) -> None:
    clock = [1_000.0]
    async with serving(now=lambda: clock[0]) as service:
        readings = [await opened(service, shards=4)]
        for closes_at in (1_030.0, 1_100.0):
            readings.append(await service.moves.move_deadline(readings[0].id, closes_at))
        for reading in readings[:-1]:
            await polls.complete(reading)
        clock[0] = 1_090.0
        await voted_on_every_shard(service, readings[0])


@pytest.mark.cluster_too
async def test_a_deadline_is_moved_while_the_clock_looks(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1_000.0]
    async with serving(now=lambda: clock[0]) as service:
        poll = await opened(service, shards=4)
        running = PollStore.running
        moved = False

        async def read_then_moved(store: PollStore) -> tuple[Poll, ...]:
            nonlocal moved
            read = await running(store)
            if not moved:
                moved = True
                await service.moves.move_deadline(poll.id, 1_100.0)
            return read

        monkeypatch.setattr(PollStore, "running", read_then_moved)
        await service._clock.settle()
        clock[0] = 1_090.0
        await voted_on_every_shard(service, poll)


@pytest.mark.cluster_too
async def test_a_move_that_was_cut_short_is_made_good_by_whoever_knows_of_it(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1_000.0]
    async with serving(now=lambda: clock[0]) as service:
        poll = await opened(service, shards=4)
        await service._clock.settle()

        async def crash(self: PollStore, poll: Poll) -> None:
            raise ConnectionError("killed")

        with monkeypatch.context() as patched:
            patched.setattr(PollStore, "complete", crash)
            with pytest.raises(ConnectionError):
                await service.moves.move_deadline(poll.id, 1_100.0)
            # Read for another reason before the clock looks.
            assert len((await service._learned(poll.id, anew=True)).deadlines) == 1
        await service._clock.settle()
        clock[0] = 1_090.0
        await voted_on_every_shard(service, poll)


async def test_it_is_moved_a_hundred_times_at_most_and_closed_by_hand_all_the_same(
    serving: Serving,
) -> None:
    clock = [1_000.0]
    stage = Broadcast(clock)
    async with serving(now=lambda: clock[0], stage=stage) as service:
        poll = await opened(service, 600)
        for number in range(100):
            last = 2_000.0 + number
            await service.moves.move_deadline(poll.id, last)
        with pytest.raises(DeadlineSpent, match="100 times"):
            await service.moves.move_deadline(poll.id, 3_000.0)
        assert (await service.moves.move_deadline(poll.id, last)).cue_close == last
        for number in range(10):
            closing = await service.close(poll.id, 1_500.0 - number)
            assert (closing.state, closing.cue_close) == (PollState.OPEN, 1_500.0 - number)
        assert len(closing.deadlines) == 110
        # Nothing makes it longer, and nothing keeps it open for good.
        assert await service.close(poll.id, 1_600.0) == closing
        assert (await service.close(poll.id)).state is PollState.CLOSED


@pytest.mark.parametrize("seconds", [60, None])
async def test_a_poll_is_not_kept_open_for_ever_by_its_organiser(
    serving: Serving, seconds: int | None
) -> None:
    clock = [1_000.0]
    week = 7 * 24 * 3600
    async with serving(now=lambda: clock[0]) as service:
        poll = await opened(service, seconds)
        clock[0] = 1_050.0
        moved = await service.moves.move_deadline(poll.id, 1_060.0 + week / 2)
        first = 1_060.0 if seconds is not None else moved.closes_at or 0.0
        while moved.closes_at != first + week:
            clock[0] = (moved.closes_at or 0.0) - 10
            closes_at = min(first + week, clock[0] + week * 3 / 4)
            moved = await service.moves.move_deadline(poll.id, closes_at)
        clock[0] = moved.closes_at - 10
        with pytest.raises(InvalidPoll, match="a week after its first deadline"):
            await service.moves.move_deadline(poll.id, first + week + 1)
