from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis import Redis
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis

from polling import store_single
from polling.errors import (
    AlreadyVoted,
    BallotConflict,
    Busy,
    IllegalMove,
    InvalidBallot,
    InvalidPoll,
    NoIdentity,
    PollClosed,
    PollKeyLost,
    StoreDown,
    UnknownChoice,
    UnknownPoll,
)
from polling.model import Receipt
from polling.poll_keys import PollKeys
from polling.poll_rules import PollRules
from polling.questions import Asked
from polling.rules import PollState
from polling.service import PollService
from polling.store import Counted, PollStore, Vote
from polling.store_single import SingleServer
from tests.polling.conftest import Asking, Server, Serving, Settings, Told, ballot, until

pytestmark = pytest.mark.cluster_too


def key_file(tmp_path: Path, poll: str) -> Path:
    return tmp_path / "poll-keys" / f"{poll}.key"


async def test_a_poll_from_draft_to_archive(service: PollService, told: Told) -> None:
    poll = await service.create("alef", "Where?", ["North", "South"], "HQ", 60, simulated=True)
    assert (poll.state, poll.simulated) == (PollState.DRAFT, True)
    opened = await service.open(poll.id)
    assert opened.opened_at is not None
    assert opened.closes_at == opened.opened_at + 60
    closed = await service.close(poll.id)
    assert closed.closed_at is not None
    assert closed.closed_at >= opened.opened_at
    archived = await service.archive(poll.id)
    assert await service.get(poll.id) == archived
    assert [one.state for one in told.polls] == ["draft", "open", "closed", "archived"]
    assert (await service.audit(poll.id)).ok


async def test_bad_questions_never_reach_the_store(service: PollService, client: Redis) -> None:
    for arguments in (
        ("alef", "", ["a", "b"], "HQ"),
        ("alef", "Q", ["a"], "HQ"),
        ("a lef", "Q", ["a", "b"], "HQ"),
        ("alef", "Q", ["a", "b"], ""),
        ("alef", "Q", ["a", "b"], "HQ", 0),
    ):
        with pytest.raises(InvalidPoll):
            await service.create(*arguments)
    assert client.keys("*") == []


async def test_polls_are_listed_newest_first(service: PollService) -> None:
    first = await service.create("alef", "1", ["a", "b"], "HQ")
    second = await service.create("be", "2", ["a", "b"], "HQ")
    third = await service.create("alef", "3", ["a", "b"], "HQ")
    assert await service.list() == (third, second, first)
    assert await service.list("alef") == (third, first)


@pytest.mark.one_server
async def test_a_list_with_tallies_costs_two_round_trips(
    service: PollService, polls: PollStore, ask: Asking
) -> None:
    asked = [await ask() for _ in range(12)]
    await service.create("be", "2", ["a", "b"], "HQ")
    await service.cast("device:1", ballot(asked[3], "2"))
    rows = await service.list_with_tallies("alef")
    assert [poll for poll, _ in rows] == list(reversed(asked))
    assert [tally.total for _, tally in rows] == [0] * 8 + [1] + [0] * 3
    assert all(tally.poll == poll.id for poll, tally in rows)
    assert len(await service.list_with_tallies()) == 13
    assert len(await service.list_with_tallies(limit=5)) == 5
    assert await service.list_with_tallies("pe") == ()


@pytest.mark.one_server
async def test_lists_are_read_in_few_round_trips(
    polls: PollStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not started: its clock would look at the store in between.
    service = PollService(polls, PollKeys(tmp_path / "poll-keys"), Settings())
    for _ in range(5):
        await service.open((await service.create("alef", "Q", ["a", "b"], "HQ")).id)
    trips = 0
    answer = store_single.ask

    async def counted(reply: Awaitable[Any]) -> Any:
        nonlocal trips
        trips += 1
        return await answer(reply)

    monkeypatch.setattr(store_single, "ask", counted)
    assert len(await service.list_with_tallies("alef")) == 5
    assert trips == 2
    trips = 0
    assert len(await service.shown("alef")) == 3
    assert trips == 3


@pytest.mark.one_server
async def test_a_list_for_everybody_reads_so_many_shards_and_no_more(
    service: PollService,
) -> None:
    made = []
    for shards, late in ((4, False), (3, True), (64, False), (2, False)):
        rules = PollRules(shards=shards, late=late)
        asked = [Asked("Q", choices=("a", "b"))]
        poll = await service.create_sheet("alef", asked, "HQ", rules)
        made.append(await service.open(poll.id))
    await service.create("alef", "A draft", ["a", "b"], "HQ")
    rows = await service.list_within(12, "alef")
    assert [poll.id for poll, _ in rows] == [one.id for one in reversed(made)]
    # 2 shards, then 64 that are too many, 3 and as many for late answers, 4.
    assert [tally is not None for _, tally in rows] == [True, False, True, True]
    rows = await service.list_within(11, "alef")
    assert [tally is not None for _, tally in rows] == [True, False, True, False]


async def test_the_list_loads_the_functions_where_the_store_lost_them(
    service: PollService, ask: Asking, client: Redis
) -> None:
    poll = await ask()
    client.function_flush()
    assert [one.id for one, _ in await service.list_with_tallies("alef")] == [poll.id]


@pytest.mark.one_server
async def test_open_polls_are_shown_first_then_those_opened_last(serving: Serving) -> None:
    clock = itertools.count(1_000.0)
    async with serving(now=lambda: next(clock)) as service:

        async def asked(stream: str = "alef") -> str:
            return (await service.create(stream, "Q", ["a", "b"], "HQ")).id

        async def shown(limit: int = 3) -> list[str]:
            rows = await service.shown("alef", limit)
            assert all(tally.poll == poll.id for poll, tally in rows)
            return [poll.id for poll, _ in rows]

        old, early, late, never, elsewhere = [await asked() for _ in range(4)] + [await asked("be")]
        await service.open(elsewhere)
        assert await shown() == []
        await service.open(old)
        await service.open(late)
        await service.close(late)
        await service.open(early)
        await service.close(early)
        assert await shown() == [old, early, late]
        assert await shown(2) == [old, early]
        await service.open(never)
        assert await shown() == [never, old, early]
        # An open poll is shown even when a hundred newer ones have been asked since.
        for _ in range(100):
            await asked()
        assert await shown() == [never, old]


@pytest.mark.one_server
async def test_votes_do_not_wait_for_readers(valkey: Server, client: Redis, ask: Asking) -> None:
    poll = await ask()
    single = AsyncRedis.from_pool(
        BlockingConnectionPool.from_url(valkey.url, max_connections=1, timeout=20)
    )
    polls = PollStore(SingleServer(AsyncRedis.from_url(valkey.url), single))
    # A reader that does not come back: the only reading connection is taken.
    blocking: Any = single.blpop(["nothing"], 10)
    waiting = asyncio.ensure_future(blocking)
    try:
        reading = asyncio.ensure_future(polls.tally(poll.id))
        await asyncio.sleep(0.05)
        vote = Vote(b"n" * 16, b"b" * 16, "1", b"r" * 16, (("1", 1),))
        (counted,) = await polls.cast([(poll.id, 0, [vote])], 0.0)
        assert isinstance(counted, Counted)
        assert counted.codes == [1]
        assert not reading.done()
        client.rpush("nothing", "x")
        assert (await reading).total == 1
    finally:
        await waiting
        await polls.close()


@pytest.mark.parametrize("rates", [{"pushes": 0}, {"pushes_crowded": 0}, {"pushes": -1}])
async def test_a_rate_of_no_pushes_is_refused_before_any_vote(
    polls: PollStore, rates: dict[str, int]
) -> None:
    with pytest.raises(ValueError, match="pushes"):
        PollService(polls, PollKeys(Path("unused")), Settings(**rates))


async def test_an_illegal_move_names_the_state(service: PollService) -> None:
    poll = await service.create("alef", "Q", ["a", "b"], "HQ")
    with pytest.raises(IllegalMove) as caught:
        await service.close(poll.id)
    assert caught.value.state == "draft"
    await service.open(poll.id)
    with pytest.raises(IllegalMove):
        await service.open(poll.id)
    with pytest.raises(UnknownPoll):
        await service.open("abcdefghij")


async def test_a_vote_gets_a_receipt_and_moves_the_tally(
    service: PollService, ask: Asking, told: Told
) -> None:
    poll = await ask()
    one = ballot(poll, "2")
    assert await service.cast("device:1", one) == Receipt(poll.id, one.ballot_id, 0, 1)
    assert told.tallies[-1].to_dict() == {
        "poll": poll.id,
        "state": "open",
        "seq": 1,
        "total": 1,
        "counts": {"1": 0, "2": 1, "3": 0},
    }
    assert await service.tally(poll.id) == told.tallies[-1]


async def test_a_retry_is_the_same_byte_for_byte_even_after_closing(
    service: PollService, ask: Asking
) -> None:
    poll = await ask()
    await service.cast("device:0", ballot(poll))
    one = ballot(poll, "2")
    receipts = await asyncio.gather(*(service.cast("device:1", one) for _ in range(20)))
    await service.close(poll.id)
    receipts.append(await service.cast("device:1", one))
    await service.archive(poll.id)
    receipts.append(await service.cast("device:1", one))
    assert len({msgspec.json.encode(receipt.to_dict()) for receipt in receipts}) == 1
    assert (await service.tally(poll.id)).total == 2


async def test_the_contracts_refusals(service: PollService, ask: Asking) -> None:
    poll = await ask()
    one = ballot(poll, "1")
    await service.cast("device:1", one)
    with pytest.raises(BallotConflict):
        await service.cast("device:1", ballot(poll, "2", one.ballot_id))
    with pytest.raises(AlreadyVoted):
        await service.cast("device:1", ballot(poll, "1"))
    with pytest.raises(UnknownChoice) as unknown:
        await service.cast("device:2", ballot(poll, "4"))
    assert unknown.value.choice == "4"
    for voter in (None, ""):
        with pytest.raises(NoIdentity):
            await service.cast(voter, ballot(poll))
    with pytest.raises(UnknownPoll):
        await service.cast("device:2", ballot("abcdefghij"))
    with pytest.raises(InvalidBallot):
        await service.cast("device:2", ballot(poll, "1", "XYZ"))
    await service.close(poll.id)
    with pytest.raises(BallotConflict):
        await service.cast("device:1", ballot(poll, "2", one.ballot_id))
    with pytest.raises(PollClosed) as closed:
        await service.cast("device:2", ballot(poll))
    assert closed.value.state == "closed"
    assert (await service.tally(poll.id)).total == 1
    assert (await service.audit(poll.id)).ok


async def test_a_draft_takes_no_votes(service: PollService) -> None:
    poll = await service.create("alef", "Q", ["a", "b"], "HQ")
    with pytest.raises(PollClosed) as caught:
        await service.cast("device:1", ballot(poll))
    assert caught.value.state == "draft"


async def test_two_tabs_of_one_voter_count_once(service: PollService, ask: Asking) -> None:
    poll = await ask()
    outcomes = await asyncio.gather(
        *(service.cast("device:1", ballot(poll)) for _ in range(10)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Receipt) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, AlreadyVoted) for outcome in outcomes) == 9


async def test_a_thousand_voters(service: PollService, ask: Asking) -> None:
    poll = await ask()
    receipts = await asyncio.gather(
        *(service.cast(f"device:{n}", ballot(poll, str(1 + n % 3))) for n in range(1_000))
    )
    assert sorted(receipt.seq for receipt in receipts) == list(range(1, 1_001))
    audit = await service.audit(poll.id)
    assert audit.ok, audit.differences
    assert audit.total == audit.ledger == audit.voters == audit.ballots == 1_000
    assert audit.recounted == {"1": 334, "2": 333, "3": 333}


async def test_the_audit_finds_a_forged_count(
    service: PollService, ask: Asking, client: Redis
) -> None:
    poll = await ask()
    await service.cast("device:1", ballot(poll))
    client.hincrby(f"{{{poll.id}:0}}:counts", "2", 1)
    audit = await service.audit(poll.id)
    assert not audit.ok
    assert "counter 2 is 1 in the tally, 0 in the ledger" in audit.differences


async def test_the_audit_is_sound_while_votes_pour_in(service: PollService, ask: Asking) -> None:
    poll = await ask()

    async def vote(n: int) -> None:
        await service.cast(f"device:{n}", ballot(poll))

    async with asyncio.TaskGroup() as group:
        for n in range(3_000):
            group.create_task(vote(n))
        audits = [await service.audit(poll.id) for _ in range(5)]
    assert all(audit.ok for audit in audits), audits


async def test_a_full_queue_is_busy(serving: Serving) -> None:
    async with serving(Settings(queue=10, tick_ms=50)) as service:
        poll = await service.open((await service.create("alef", "Q", ["a", "b"], "HQ")).id)
        outcomes = await asyncio.gather(
            *(service.cast(f"device:{n}", ballot(poll)) for n in range(15)), return_exceptions=True
        )
        assert sum(isinstance(outcome, Busy) for outcome in outcomes) == 5
        assert service.counters.busy == 5


async def test_a_poll_closes_by_itself_and_its_key_dies(
    service: PollService, ask: Asking, told: Told, tmp_path: Path
) -> None:
    poll = await ask(duration_seconds=1)
    assert key_file(tmp_path, poll.id).exists()
    one = ballot(poll)
    await service.cast("device:1", one)
    await until(lambda: told.polls[-1].state is PollState.CLOSED)
    closed = await service.get(poll.id)
    assert closed.closed_at == closed.closes_at
    assert told.tallies[-1].state is PollState.CLOSED
    assert not key_file(tmp_path, poll.id).exists()
    with pytest.raises(PollClosed):
        await service.cast("device:2", ballot(poll))
    assert (await service.cast("device:1", one)).seq == 1


async def test_a_poll_whose_time_ran_out_while_nobody_served_closes_at_the_start(
    serving: Serving, tmp_path: Path
) -> None:
    clock = [1_000.0]
    async with serving(now=lambda: clock[0]) as service:
        poll = await service.create("alef", "Q", ["a", "b"], "HQ", 60)
        await service.open(poll.id)
    clock[0] += 3_600
    told = Told()
    async with serving(now=lambda: clock[0], told=told) as service:
        closed = await service.get(poll.id)
        assert (closed.state, closed.closed_at) == (PollState.CLOSED, 1_060.0)
        assert told.polls == [closed]
        assert not key_file(tmp_path, poll.id).exists()


async def test_voters_are_remembered_over_a_restart(serving: Serving) -> None:
    async with serving() as service:
        poll = await service.open((await service.create("alef", "Q", ["a", "b"], "HQ")).id)
        one = ballot(poll)
        receipt = await service.cast("device:1", one)
    async with serving() as service:
        assert await service.cast("device:1", one) == receipt
        with pytest.raises(AlreadyVoted):
            await service.cast("device:1", ballot(poll))
        assert (await service.cast("device:2", ballot(poll))).seq == 2


async def test_two_processes_serve_one_poll(serving: Serving, tmp_path: Path) -> None:
    here, there = Told(), Told()
    async with serving(told=here) as first, serving(told=there) as second:
        poll = await first.open((await first.create("alef", "Q", ["a", "b"], "HQ")).id)
        await until(lambda: any(one.state is PollState.OPEN for one in there.polls))
        await first.cast("device:1", ballot(poll))
        with pytest.raises(AlreadyVoted):
            await second.cast("device:1", ballot(poll))
        assert (await second.cast("device:2", ballot(poll))).seq == 2
        await second.close(poll.id)
        await until(lambda: here.polls[-1].state is PollState.CLOSED)
        assert here.tallies[-1].state is PollState.CLOSED
        with pytest.raises(PollClosed):
            await first.cast("device:3", ballot(poll))
        with pytest.raises(IllegalMove):
            await first.close(poll.id)


async def test_retries_after_closing_push_nothing(
    service: PollService, ask: Asking, told: Told
) -> None:
    poll = await ask()
    one = ballot(poll)
    await service.cast("device:1", one)
    await service.close(poll.id)
    pushed = len(told.tallies)
    for _ in range(3):
        await service.cast("device:1", one)
    assert len(told.tallies) == pushed


async def test_a_batch_that_is_told_of_after_the_close_does_not_lie_over_the_last_tally(
    service: PollService, ask: Asking, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = await ask()
    cast, counted, closed = PollStore.cast, asyncio.Event(), asyncio.Event()

    async def held(self: PollStore, *args: Any) -> Any:
        counts = await cast(self, *args)
        counted.set()
        await closed.wait()
        return counts

    monkeypatch.setattr(PollStore, "cast", held)
    voting = asyncio.create_task(service.cast("device:1", ballot(poll)))
    await counted.wait()
    await service.close(poll.id)
    closed.set()
    assert (await voting).seq == 1
    assert (told.tallies[-1].state, told.tallies[-1].total) == (PollState.CLOSED, 1)


async def test_a_poll_that_another_process_opened_and_closed_is_seen_as_closed(
    serving: Serving, polls: PollStore
) -> None:
    async with serving() as service:
        draft = await service.create("alef", "Q", ["a", "b"], "HQ")
        await polls.move(await polls.move(draft, PollState.OPEN), PollState.CLOSED)

        async def state() -> str:
            with pytest.raises(PollClosed) as caught:
                await service.cast("device:1", ballot(draft))
            return caught.value.state

        async with asyncio.timeout(20):
            while True:
                if await state() == "closed":
                    break
                await asyncio.sleep(0.01)


async def test_two_processes_that_close_at_once_close_once(serving: Serving) -> None:
    async with serving() as first, serving() as second:
        poll = await first.open((await first.create("alef", "Q", ["a", "b"], "HQ")).id)
        outcomes = await asyncio.gather(
            first.close(poll.id), second.close(poll.id), return_exceptions=True
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["IllegalMove", "Poll"]


async def test_a_lost_key_stops_counting_rather_than_counting_twice(
    serving: Serving, tmp_path: Path
) -> None:
    async with serving() as service:
        poll = await service.open((await service.create("alef", "Q", ["a", "b"], "HQ")).id)
        await service.cast("device:1", ballot(poll))
    key_file(tmp_path, poll.id).unlink()
    async with serving() as service:
        with pytest.raises(PollKeyLost):
            await service.cast("device:1", ballot(poll))
        assert (await service.tally(poll.id)).total == 1
        await service.close(poll.id)


async def test_a_key_that_a_crash_left_after_closing_is_destroyed(
    serving: Serving, polls: PollStore, tmp_path: Path
) -> None:
    async with serving() as service:
        poll = await service.open((await service.create("alef", "Q", ["a", "b"], "HQ")).id)
    await polls.move(poll, PollState.CLOSED, closed_at=1.0)
    foreign = key_file(tmp_path, "zzzzzzzzzz")
    foreign.write_bytes(b"k" * 32)
    assert key_file(tmp_path, poll.id).exists()
    async with serving():
        assert not key_file(tmp_path, poll.id).exists()
    assert foreign.exists()


@pytest.mark.one_server
async def test_tallies_are_pushed_at_the_set_pace(serving: Serving, told: Told) -> None:
    settings = Settings(pushes=1_000_000, pushes_crowded=1)
    crowd = [False]
    async with serving(settings, crowded=lambda: crowd[0]) as service:
        poll = await service.open((await service.create("alef", "Q", ["a", "b"], "HQ")).id)
        for n in range(5):
            await service.cast(f"device:{n}", ballot(poll))
        assert len(told.tallies) == 5
        crowd[0] = True
        for n in range(5, 10):
            await service.cast(f"device:{n}", ballot(poll))
        assert len(told.tallies) < 8
    # Stopping pushes what waits.
    assert told.tallies[-1].total == 10


async def test_a_callback_that_fails_stops_nothing(serving: Serving, tmp_path: Path) -> None:
    class Broken(Told):
        def __init__(self) -> None:
            super().__init__()
            self.polls = Refusing()

    async with serving(told=Broken()) as service:
        poll = await service.open((await service.create("alef", "Q", ["a", "b"], "HQ")).id)
        assert (await service.cast("device:1", ballot(poll))).seq == 1


class Refusing(list):  # type: ignore[type-arg]
    def append(self, _: object) -> None:
        raise RuntimeError("a screen broke")


async def test_without_a_store_nothing_is_acknowledged(tmp_path: Path) -> None:
    store = PollStore.at(f"unix://{tmp_path}/none.sock")
    service = PollService(store, PollKeys(tmp_path / "poll-keys"), Settings())
    await service.start()
    with pytest.raises(StoreDown):
        await service.create("alef", "Q", ["a", "b"], "HQ")
    with pytest.raises(StoreDown):
        await service.cast("device:1", ballot("abcdefghij"))
    await service.stop()


async def test_after_stopping_votes_are_refused_as_retryable(serving: Serving) -> None:
    async with serving() as service:
        poll = await service.open((await service.create("alef", "Q", ["a", "b"], "HQ")).id)
    with pytest.raises(StoreDown):
        await service.cast("device:1", ballot(poll))


async def test_stopping_without_starting(serving: Serving, polls: PollStore) -> None:
    await PollService(polls, PollKeys(Path("unused")), Settings()).stop()
