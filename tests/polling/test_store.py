from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from polling import store
from polling.drafting import draft
from polling.errors import LedgerBroken, PollingError, StoreDown, UnknownPoll
from polling.model import Poll, Tally
from polling.rules import PollState
from polling.store import Counted, PollStore, Vote
from polling.store_digests import kept_receipt
from polling.store_single import SingleServer
from tests.polling.conftest import Server

pytestmark = pytest.mark.cluster_too


def new_poll(stream: str = "alef", now: float = 1.5) -> Poll:
    return draft(stream, "Where first?", ["North", "South", "East"], "HQ", now=now)


async def opened(polls: PollStore, **times: float) -> Poll:
    poll = new_poll()
    assert await polls.create(poll)
    return await polls.move(poll, PollState.OPEN, opened_at=2.0, **times)


def vote(voter: int, choice: str = "1", ballot: bytes | None = None) -> Vote:
    nullifier = voter.to_bytes(16, "big")
    deltas = ((choice, 1),)
    ballot_id = ballot or secrets.token_bytes(16)
    return Vote(nullifier, ballot_id, choice, secrets.token_bytes(16), deltas)


async def cast(polls: PollStore, poll: Poll, *votes: Vote, now: float = 3.0) -> Counted:
    (result,) = await polls.cast([(poll.id, 0, votes)], now)
    assert isinstance(result, Counted), result
    return result


async def failure(polls: PollStore, poll: str, *votes: Vote) -> PollingError:
    (result,) = await polls.cast([(poll, 0, votes)], 3.0)
    assert isinstance(result, PollingError)
    return result


async def test_a_poll_comes_back_as_it_was(polls: PollStore) -> None:
    poll = new_poll()
    assert await polls.create(poll)
    assert await polls.get(poll.id) == poll
    assert await polls.tally(poll.id) == Tally(
        poll.id, PollState.DRAFT, 0, 0, {"1": 0, "2": 0, "3": 0}
    )


async def test_an_id_is_given_once(polls: PollStore) -> None:
    poll = new_poll()
    assert await polls.create(poll)
    assert not await polls.create(poll)


@pytest.mark.parametrize("name", ["abcdefghij", "", "{x}", "x" * 1000, "ABCDEFGHIJ"])
async def test_an_unknown_poll(polls: PollStore, name: str) -> None:
    with pytest.raises(UnknownPoll):
        await polls.get(name)
    with pytest.raises(UnknownPoll):
        await polls.tally(name)
    with pytest.raises(UnknownPoll):
        await polls.sums(name)


async def test_a_vote_in_an_unknown_poll_leaves_nothing(polls: PollStore, client: Redis) -> None:
    assert isinstance(await failure(polls, "abcdefghij", vote(1)), UnknownPoll)
    assert client.dbsize() == 0


async def test_the_newest_poll_is_first(polls: PollStore) -> None:
    made = [new_poll(stream, now) for stream, now in (("a", 1.0), ("b", 2.0), ("a", 3.0))]
    for poll in made:
        await polls.create(poll)
    first, second, third = made
    assert await polls.newest() == (third, second, first)
    assert await polls.newest("a") == (third, first)
    assert await polls.newest("a", limit=1) == (third,)
    assert await polls.newest("none") == ()


async def test_a_move_is_made_from_the_expected_state_alone(polls: PollStore) -> None:
    poll = new_poll()
    await polls.create(poll)
    moved = await polls.move(poll, PollState.OPEN, opened_at=2.25, closes_at=62.25)
    assert (moved.state, moved.opened_at, moved.closes_at) == (PollState.OPEN, 2.25, 62.25)
    # The same move again, by somebody who saw the draft.
    again = await polls.move(poll, PollState.OPEN, opened_at=9.0)
    assert again == moved == await polls.get(poll.id)


async def test_moving_a_poll_that_is_not_there(polls: PollStore) -> None:
    with pytest.raises(UnknownPoll):
        await polls.move(new_poll(), PollState.OPEN)


async def test_running_holds_the_open_polls(polls: PollStore) -> None:
    poll = await opened(polls)
    assert await polls.running() == (poll,)
    await polls.move(poll, PollState.CLOSED, closed_at=3.0)
    assert await polls.running() == ()


async def test_votes_are_counted_and_given_positions(polls: PollStore) -> None:
    poll = await opened(polls)
    result = await cast(polls, poll, vote(1, "1"), vote(2, "2"), vote(3, "2"))
    assert sorted(result.codes) == [1, 2, 3]
    assert result.fresh == 3
    assert result.tally == Tally(poll.id, PollState.OPEN, 3, 3, {"1": 1, "2": 2, "3": 0})
    assert result.tally == await polls.tally(poll.id)
    later = await cast(polls, poll, vote(4, "3"))
    assert later.codes == [4]


async def test_a_retry_gets_its_position_again(polls: PollStore) -> None:
    poll = await opened(polls)
    one = vote(1, "2")
    (position,) = (await cast(polls, poll, one)).codes
    again = await cast(polls, poll, vote(2), one, vote(3))
    assert again.codes[1] == position
    assert again.fresh == 2
    assert again.tally.total == 3


async def test_retries_within_one_batch_count_once(polls: PollStore) -> None:
    poll = await opened(polls)
    one = vote(1, "2")
    result = await cast(polls, poll, *[one] * 50)
    assert set(result.codes) == {1}
    assert result.fresh == result.tally.total == 1


async def test_a_ballot_with_another_choice_conflicts(polls: PollStore) -> None:
    poll = await opened(polls)
    await cast(polls, poll, vote(1, "1", b"b" * 16))
    assert (await cast(polls, poll, vote(1, "2", b"b" * 16))).codes == [store.CONFLICT]
    # Whoever sends it: a ballot_id stands for one set of choices.
    assert (await cast(polls, poll, vote(2, "2", b"b" * 16))).codes == [store.CONFLICT]


async def test_a_retry_needs_its_ballots_nonce(polls: PollStore) -> None:
    poll = await opened(polls)
    kept = vote(1, "2")
    await cast(polls, poll, kept)

    async def probe(choice: str) -> int:
        """What is told to somebody who knows the ballot id alone."""
        (code,) = (await cast(polls, poll, vote(2, choice, kept.ballot_id))).codes
        return code

    # Every answer is refused alike: none of them is found to be the voter's.
    assert [await probe(choice) for choice in ("1", "2", "3")] == [store.CONFLICT] * 3
    poll = await polls.move(poll, PollState.CLOSED)
    assert [await probe(choice) for choice in ("1", "2", "3")] == [store.CONFLICT] * 3
    assert (await cast(polls, poll, kept)).codes == [1]


async def test_positions_take_as_many_bytes_as_they_need(polls: PollStore, client: Redis) -> None:
    poll = await opened(polls)
    name, votes = f"{{{poll.id}:0}}", [vote(voter) for voter in range(4)]
    await cast(polls, poll, votes[0])
    # As if so many had voted: the ledger's length is the only thing that is looked at.
    client.hset(f"{name}:poll", "seq", 2**24 - 2)
    await cast(polls, poll, votes[1])
    await cast(polls, poll, votes[2])
    client.hset(f"{name}:poll", "seq", 2**32 - 1)
    await cast(polls, poll, votes[3])
    positions = [1, 2**24 - 1, 2**24, 2**32]
    assert [(await cast(polls, poll, one)).codes for one in votes] == [[one] for one in positions]
    found = client.hgetall(f"{name}:ballots")
    assert {len(field) for field in found} == {12}
    assert sorted(len(value) for value in found.values()) == [5, 5, 6, 7]
    assert set(found.values()) == {
        kept_receipt(position, one.nonce, one.answer)
        for position, one in zip(positions, votes, strict=True)
    }


async def test_each_poll_has_a_salt_of_its_own(polls: PollStore, client: Redis) -> None:
    salts, fields = set(), set()
    for _ in range(2):
        poll = await opened(polls)
        await cast(polls, poll, vote(1, "1", b"b" * 16))
        salts.add(client.hget(f"{{{poll.id}:0}}:poll", "salt"))
        fields |= set(client.hkeys(f"{{{poll.id}:0}}:ballots"))
        assert "salt" not in repr(poll.to_dict())
    assert len(salts) == len(fields) == 2
    assert not any(b"b" * 6 in field for field in fields)


async def test_one_conflict_within_a_batch(polls: PollStore) -> None:
    poll = await opened(polls)
    result = await cast(polls, poll, vote(1, "1", b"b" * 16), vote(1, "2", b"b" * 16))
    assert sorted(result.codes) == [store.CONFLICT, 1]


async def test_a_voter_votes_once(polls: PollStore) -> None:
    poll = await opened(polls)
    await cast(polls, poll, vote(1))
    assert (await cast(polls, poll, vote(1))).codes == [store.VOTED]
    result = await cast(polls, poll, vote(2), vote(2), vote(2))
    assert sorted(result.codes) == [store.VOTED, store.VOTED, 2]


async def test_only_an_open_poll_counts(polls: PollStore) -> None:
    poll = new_poll()
    await polls.create(poll)
    assert (await cast(polls, poll, vote(1))).codes == [store.CLOSED]
    poll = await polls.move(poll, PollState.OPEN)
    kept = vote(1)
    await cast(polls, poll, kept)
    poll = await polls.move(poll, PollState.CLOSED)
    result = await cast(polls, poll, vote(2), kept)
    assert result.codes == [store.CLOSED, 1]
    assert result.tally.state is PollState.CLOSED


async def test_the_deadline_holds_in_the_atomic_step(polls: PollStore) -> None:
    poll = await opened(polls, closes_at=10.0)
    assert (await cast(polls, poll, vote(1), now=10.0)).codes == [1]
    assert (await cast(polls, poll, vote(2), now=10.001)).codes == [store.CLOSED]


async def test_an_unknown_choice_counts_nothing(polls: PollStore) -> None:
    poll = await opened(polls)
    result = await cast(polls, poll, vote(1, "4"))
    assert (result.codes, result.tally.total) == ([store.UNKNOWN_CHOICE], 0)
    assert (await cast(polls, poll, vote(1, "1"))).codes == [1]


async def test_a_vote_without_a_nullifier_is_never_counted(polls: PollStore) -> None:
    poll = await opened(polls)
    without = Vote(None, b"b" * 16, "1", b"n" * 16, (("1", 1),))
    assert (await cast(polls, poll, without, vote(1))).codes == [store.NO_KEY, 1]


async def test_the_largest_batch_fits(polls: PollStore) -> None:
    poll = await opened(polls)
    votes = [vote(voter, str(1 + voter % 3)) for voter in range(3_000)]
    result = await cast(polls, poll, *votes)
    assert sorted(result.codes) == list(range(1, 3_001))
    assert result.tally.counts == {"1": 1000, "2": 1000, "3": 1000}


async def test_every_code_belongs_to_its_vote(polls: PollStore) -> None:
    poll = await opened(polls)
    votes = [vote(voter) for voter in range(200)]
    positions = (await cast(polls, poll, *votes)).codes
    entries = [entry async for entry in polls.ledger(poll.id, 0, 1_000)]
    assert [entries[position - 1].ballot_id for position in positions] == [
        one.ballot_id for one in votes
    ]


async def test_batches_of_several_polls_stand_alone(polls: PollStore) -> None:
    first, second = await opened(polls), await opened(polls)
    results = await polls.cast(
        [
            (first.id, 0, [vote(1)]),
            ("abcdefghij", 0, [vote(1)]),
            (second.id, 0, [vote(1), vote(2)]),
        ],
        3.0,
    )
    assert isinstance(results[0], Counted)
    assert isinstance(results[1], UnknownPoll)
    assert isinstance(results[2], Counted)
    assert results[2].tally.total == 2


async def test_the_ledger_is_read_in_pages_up_to_a_position(polls: PollStore) -> None:
    poll = await opened(polls)
    for start in range(0, 2_500, 500):
        await cast(polls, poll, *(vote(start + n) for n in range(500)))
    entries = [entry async for entry in polls.ledger(poll.id, 0, 2_345)]
    assert [entry.seq for entry in entries] == list(range(1, 2_346))
    assert all(entry.receipt == kept_receipt(entry.seq, entry.nonce, "1") for entry in entries)
    sums = await polls.sums(poll.id)
    assert (sums.voters, sums.ballots, sums.ledger, sums.tally.seq) == (2500, 2500, 2500, 2500)


async def test_nothing_is_counted_on_a_broken_ledger(polls: PollStore, client: Redis) -> None:
    poll = await opened(polls)
    await cast(polls, poll, vote(1), vote(2))
    client.xdel(f"{{{poll.id}:0}}:ledger", "2-0")
    assert isinstance(await failure(polls, poll.id, vote(3)), LedgerBroken)
    assert (await polls.sums(poll.id)).voters == 2


async def test_a_lost_function_library_is_loaded_again(polls: PollStore, client: Redis) -> None:
    client.function_flush()
    poll = await opened(polls)
    client.function_flush()
    assert (await cast(polls, poll, vote(1))).codes == [1]
    client.function_flush()
    assert (await polls.tally(poll.id)).total == 1


async def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    polls = PollStore.at(f"unix://{tmp_path}/none.sock")
    with pytest.raises(StoreDown):
        await polls.get("abcdefghij")
    with pytest.raises(StoreDown):
        await polls.newest()
    assert isinstance(await failure(polls, "abcdefghij", vote(1)), StoreDown)
    await polls.close()


async def test_a_store_that_refuses_writes(polls: PollStore, client: Redis) -> None:
    poll = await opened(polls)
    client.config_set("maxmemory", "1")
    try:
        assert isinstance(await failure(polls, poll.id, vote(1)), StoreDown)
    finally:
        client.config_set("maxmemory", "0")
    assert (await cast(polls, poll, vote(1))).codes == [1]


@pytest.mark.one_server
async def test_a_cancelled_cast_leaves_the_connection_usable(
    valkey: Server, polls: PollStore, client: Redis
) -> None:
    narrow = PollStore(SingleServer(AsyncRedis.from_url(valkey.url, max_connections=1)))
    poll = await opened(polls)
    casting = asyncio.create_task(narrow.cast([(poll.id, 0, [vote(1)])], 3.0))
    await asyncio.sleep(0)
    casting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await casting
    assert (await narrow.get(poll.id)).id == poll.id
    await narrow.close()


async def test_a_store_that_hangs_is_down_after_a_while(
    polls: PollStore, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polling.store_single.ANSWER_SECONDS", 0.1)
    poll = await opened(polls)
    client.client_pause(1_000)
    with pytest.raises(StoreDown) as caught:
        await polls.get(poll.id)
    assert "no answer" in caught.value.reason
    assert isinstance(await failure(polls, poll.id, vote(1)), StoreDown)
    client.client_unpause()
    monkeypatch.undo()
    assert await polls.get(poll.id) == poll
