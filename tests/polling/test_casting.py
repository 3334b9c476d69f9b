from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from polling.casting import Caster, Outcome
from polling.drafting import draft
from polling.errors import Busy, PollingError, StoreDown
from polling.model import Receipt, Tally
from polling.rules import PollState
from polling.store import Batch, Counted, PollStore, Vote
from tests.polling.conftest import Settings

pytestmark = pytest.mark.cluster_too


class Watched(PollStore):
    """The real store, which notes its batches and can be held up or broken."""

    batches: list[list[int]]
    gate: asyncio.Event
    error: Exception | None = None

    async def cast(self, batches: Sequence[Batch], now: float) -> list[Counted | PollingError]:
        self.batches.append([len(votes) for _, _, votes in batches])
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return await super().cast(batches, now)


@pytest.fixture
async def watched(polls: PollStore) -> Watched:
    store = Watched(polls.server)
    store.batches = []
    store.gate = asyncio.Event()
    store.gate.set()
    return store


@pytest.fixture
async def poll(polls: PollStore) -> str:
    return await opened(polls)


async def opened(polls: PollStore) -> str:
    poll = draft("alef", "Q", ["a", "b"], "HQ", now=1.0)
    await polls.create(poll)
    await polls.move(poll, PollState.OPEN)
    return poll.id


class Running:
    """A Caster whose run() is owned by a test."""

    def __init__(self, store: PollStore, pace: Settings) -> None:
        self.tallies: list[Tally] = []
        self.caster = Caster(store, pace, lambda: 2.0, self.tallies.append)
        self.task = asyncio.create_task(self.caster.run())


@pytest.fixture
async def running(watched: Watched) -> AsyncIterator[Running]:
    running = Running(watched, Settings(tick_ms=20, batch=10, queue=30))
    yield running
    watched.gate.set()
    running.caster.drain()
    async with asyncio.timeout(20):
        await running.task


def vote(number: int) -> Vote:
    place = number.to_bytes(16, "big")
    return Vote(place, place, "1", place, (("1", 1),))


def position(outcome: Outcome) -> int:
    assert isinstance(outcome, Receipt)
    return outcome.seq


async def test_votes_of_one_tick_travel_together(
    running: Running, watched: Watched, poll: str
) -> None:
    outcomes = await asyncio.gather(*(running.caster.put(poll, vote(n)) for n in range(7)))
    assert sorted(map(position, outcomes)) == list(range(1, 8))
    assert watched.batches == [[7]]
    assert running.tallies[-1].total == 7
    assert running.caster.counters.counted == 7


async def test_polls_of_one_tick_travel_in_one_round_trip(
    running: Running, watched: Watched, poll: str, polls: PollStore
) -> None:
    other = await opened(polls)
    puts = [running.caster.put(one, vote(n)) for n in range(3) for one in (poll, other)]
    await asyncio.gather(*puts)
    assert watched.batches == [[3, 3]]


async def test_a_batch_is_bounded(running: Running, watched: Watched, poll: str) -> None:
    await asyncio.gather(*(running.caster.put(poll, vote(n)) for n in range(25)))
    assert watched.batches == [[10], [10], [5]]
    assert running.tallies[-1].total == 25


async def test_a_full_queue_refuses_and_counts(
    running: Running, watched: Watched, poll: str
) -> None:
    watched.gate.clear()
    puts = [running.caster.put(poll, vote(n)) for n in range(30)]
    with pytest.raises(Busy) as caught:
        running.caster.put(poll, vote(30))
    assert caught.value.waiting == running.caster.waiting == 30
    assert running.caster.counters.busy == 1
    watched.gate.set()
    assert all(isinstance(outcome, Receipt) for outcome in await asyncio.gather(*puts))
    assert position(await running.caster.put(poll, vote(30))) == 31


async def test_a_voter_who_goes_away_is_counted_and_disturbs_nobody(
    running: Running, watched: Watched, poll: str
) -> None:
    gone, stays = running.caster.put(poll, vote(1)), running.caster.put(poll, vote(2))
    gone.cancel()
    assert isinstance(await stays, Receipt)
    assert running.tallies[-1].total == 2


async def test_a_batch_that_fails_is_not_acknowledged_and_the_next_one_is(
    running: Running, watched: Watched, poll: str
) -> None:
    watched.error = RuntimeError("broken")
    outcome = await running.caster.put(poll, vote(1))
    assert isinstance(outcome, StoreDown)
    assert running.caster.counters.failed == 1
    watched.error = None
    assert position(await running.caster.put(poll, vote(1))) == 1


async def test_a_callback_that_fails_touches_no_other_vote(running: Running, poll: str) -> None:
    def fails(outcome: Outcome) -> None:
        raise RuntimeError("broken")

    running.caster.enqueue(poll, vote(1), 0, fails)
    assert isinstance(await running.caster.put(poll, vote(2)), Receipt)
    assert running.caster.counters.counted == 2


async def test_counters_tell_new_from_repeated_from_refused(running: Running, poll: str) -> None:
    await running.caster.put(poll, vote(1))
    other_ballot = Vote(vote(1).nullifier, b"x" * 16, "1", b"x" * 16, (("1", 1),))
    puts = [running.caster.put(poll, one) for one in (vote(1), vote(2), other_ballot)]
    await asyncio.gather(*puts)
    counters = running.caster.counters
    assert (counters.counted, counters.repeated, counters.refused) == (2, 1, 1)


async def test_drain_answers_what_waits_and_takes_nothing_more(watched: Watched, poll: str) -> None:
    running = Running(watched, Settings(tick_ms=1_000, batch=10))
    puts = [running.caster.put(poll, vote(n)) for n in range(25)]
    await asyncio.sleep(0)
    running.caster.drain()
    with pytest.raises(StoreDown):
        running.caster.put(poll, vote(99))
    async with asyncio.timeout(20):
        await running.task
    assert all(put.done() and isinstance(put.result(), Receipt) for put in puts)


async def test_a_cancelled_run_leaves_nobody_waiting(watched: Watched, poll: str) -> None:
    running = Running(watched, Settings(tick_ms=0, batch=10))
    watched.gate.clear()
    puts = [running.caster.put(poll, vote(n)) for n in range(25)]
    await asyncio.sleep(0.02)
    running.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running.task
    async with asyncio.timeout(20):
        assert all(isinstance(outcome, StoreDown) for outcome in await asyncio.gather(*puts))


@pytest.mark.parametrize("batch", [0, 3_001])
async def test_a_batch_that_would_not_fit_the_call_stops_the_start(
    polls: PollStore, batch: int
) -> None:
    with pytest.raises(ValueError, match=r"1 to 3,000"):
        Caster(polls, Settings(batch=batch), lambda: 0.0, lambda tally: None)
