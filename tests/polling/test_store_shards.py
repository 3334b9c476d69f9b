"""Shards, votes that replace earlier ones, edits, counters by group, and ledgers that drain."""

from __future__ import annotations

import secrets

import msgspec
import pytest

from polling import store
from polling.audit import audit
from polling.drafting import draft, edited
from polling.errors import UnknownPoll
from polling.model import Poll
from polling.poll_rules import PollRules
from polling.questions import Asked, Kind
from polling.rules import PollState
from polling.store import Counted, Entry, PollStore, Vote, shard_of
from tests.polling.conftest import Server

pytestmark = pytest.mark.cluster_too

SHARDS = 5


def new_poll(**rules: object) -> Poll:
    poll = draft("alef", "Where first?", ["North", "South", "East"], "HQ", now=1.5)
    return msgspec.structs.replace(poll, rules=PollRules(**rules))  # type: ignore[arg-type]


async def opened(polls: PollStore, **rules: object) -> Poll:
    poll = new_poll(**rules)
    assert await polls.create(poll)
    return await polls.move(poll, PollState.OPEN, opened_at=2.0, closes_at=60.0)


def vote(voter: bytes, choice: str = "1", *, region: str = "", version: int = 1) -> Vote:
    deltas: list[tuple[str, int]] = [(choice, 1), ("@tier.device", 1)]
    if region:
        deltas += [(f"@region.{region}", 1), (f"@region.{region}|{choice}", 1)]
    ballot_id, nonce = secrets.token_bytes(16), secrets.token_bytes(16)
    return Vote(voter, ballot_id, choice, nonce, tuple(deltas), version)


async def cast(polls: PollStore, poll: Poll, *votes: Vote, now: float = 3.0) -> list[int]:
    """Each vote on its voter's shard; the codes."""
    shards: dict[int, list[Vote]] = {}
    for one in votes:
        assert one.nullifier is not None
        shards.setdefault(shard_of(one.nullifier, poll.shards), []).append(one)
    results = await polls.cast([(poll.id, shard, own) for shard, own in shards.items()], now)
    codes: dict[bytes, int] = {}
    for own, result in zip(shards.values(), results, strict=True):
        assert isinstance(result, Counted), result
        codes |= {one.ballot_id: code for one, code in zip(own, result.codes, strict=True)}
    return [codes[one.ballot_id] for one in votes]


def voters(count: int) -> list[bytes]:
    return [secrets.token_bytes(16) for _ in range(count)]


async def test_one_poll_spreads_over_shards(polls: PollStore) -> None:
    poll = await opened(polls, shards=SHARDS)
    votes = [vote(voter, str(1 + n % 3)) for n, voter in enumerate(voters(300))]
    assert all(code > 0 for code in await cast(polls, poll, *votes))
    tally = await polls.tally(poll.id)
    assert (tally.seq, tally.total, tally.counts) == (300, 300, {"1": 100, "2": 100, "3": 100})
    assert tally.groups == {"@tier.device": 300}
    lengths = [(await polls.sums(poll.id, shard)).ledger for shard in range(SHARDS)]
    assert all(lengths)
    assert sum(lengths) == 300
    assert (await audit(polls, poll.id)).ok
    # The same voters again, wherever they are.
    again = [vote(one.nullifier or b"") for one in votes]
    assert set(await cast(polls, poll, *again)) == {store.VOTED}
    assert (await polls.with_tallies([poll.id]))[0][1] == tally


async def test_a_sharded_poll_closes_on_every_shard(polls: PollStore) -> None:
    poll = await opened(polls, shards=SHARDS)
    votes = [vote(voter) for voter in voters(40)]
    await cast(polls, poll, *votes)
    closed = await polls.move(poll, PollState.CLOSED, closed_at=4.0)
    assert closed.state is PollState.CLOSED
    late = [vote(voter) for voter in voters(40)]
    assert set(await cast(polls, poll, *late)) == {store.CLOSED}
    tally = await polls.tally(poll.id)
    assert (tally.state, tally.total) == (PollState.CLOSED, 40)
    assert await polls.running() == ()
    # A retry whose voter cannot be computed any more finds its shard.
    for one in votes[:5]:
        shard = await polls.find(poll, one.ballot_id)
        assert shard == shard_of(one.nullifier or b"", SHARDS)
    assert await polls.find(poll, b"x" * 16) is None


async def test_a_crash_amid_closing_leaves_a_tally_that_is_not_final(
    polls: PollStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = await opened(polls, shards=SHARDS)
    await cast(polls, poll, *(vote(voter) for voter in voters(20)))

    async def crash(self: PollStore, poll: Poll) -> None:
        raise ConnectionError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(PollStore, "complete", crash)
        with pytest.raises(ConnectionError):
            await polls.move(poll, PollState.CLOSED, closed_at=4.0)
    half = await polls.get(poll.id)
    assert half.state is PollState.CLOSED
    # Other shards still count, and whoever looks sees that the tally is not the last one.
    assert {code > 0 for code in await cast(polls, poll, *map(vote, voters(20)))} == {True, False}
    tally = await polls.tally(poll.id)
    assert tally.state is PollState.OPEN
    assert await polls.standing(poll.id, SHARDS) == (PollState.OPEN, tally.seq)
    assert [one.id for one in await polls.running()] == [poll.id]
    for _ in range(2):
        await polls.complete(half)
        tally = await polls.tally(poll.id)
        assert tally.state is PollState.CLOSED
        assert await polls.standing(poll.id, SHARDS) == (PollState.CLOSED, tally.seq)
        assert await polls.running() == ()
    assert set(await cast(polls, poll, *map(vote, voters(20)))) == {store.CLOSED}
    assert await polls.tally(poll.id) == tally
    assert (await audit(polls, poll.id)).ok


async def test_a_crash_amid_opening_is_made_good_by_the_first_vote(
    polls: PollStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = new_poll(shards=SHARDS)
    await polls.create(poll)
    with monkeypatch.context() as patched:
        patched.setattr("polling.store._following", lambda poll, shard: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await polls.move(poll, PollState.OPEN, opened_at=2.0)
    with pytest.raises(UnknownPoll):
        await polls.sums(poll.id, 1)
    assert await polls.standing(poll.id, SHARDS) == (PollState.OPEN, 0)
    with pytest.raises(UnknownPoll):
        await polls.standing("zzzzzzzzzz", SHARDS)
    assert (await audit(polls, poll.id)).ok
    codes = await cast(polls, poll, *map(vote, voters(50)))
    assert all(code > 0 for code in codes)
    assert (await polls.tally(poll.id)).total == 50


async def test_the_deadline_holds_on_every_shard(polls: PollStore) -> None:
    poll = await opened(polls, shards=SHARDS)
    assert all(code > 0 for code in await cast(polls, poll, *map(vote, voters(20)), now=60.0))
    assert set(await cast(polls, poll, *map(vote, voters(20)), now=60.1)) == {store.CLOSED}


async def test_counters_of_regions_stand_apart(polls: PollStore) -> None:
    poll = await opened(polls, shards=2)
    votes = [vote(voter, "2", region="tehran") for voter in voters(12)]
    await cast(polls, poll, *votes, *map(vote, voters(3)))
    tally = await polls.tally(poll.id)
    assert tally.counts == {"1": 3, "2": 12, "3": 0}
    assert tally.groups == {
        "@tier.device": 15,
        "@region.tehran": 12,
        "@region.tehran|2": 12,
    }


async def test_the_last_vote_counts_where_the_rules_say_so(polls: PollStore) -> None:
    poll = await opened(polls, revote="last")
    (voter,) = voters(1)
    first, second = vote(voter, "1", region="fars"), vote(voter, "2")
    assert await cast(polls, poll, first) == [1]
    assert await cast(polls, poll, second) == [2]
    tally = await polls.tally(poll.id)
    assert (tally.seq, tally.total, tally.counts) == (2, 1, {"1": 0, "2": 1, "3": 0})
    assert tally.groups == {"@tier.device": 1, "@region.fars": 0, "@region.fars|1": 0}
    # A late duplicate of the first is the first: it changes nothing.
    assert await cast(polls, poll, first) == [1]
    assert await cast(polls, poll, second, first) == [2, 1]
    assert (await polls.tally(poll.id)) == tally
    assert await polls.superseded(poll.id) == {1}
    found = await audit(polls, poll.id)
    assert found.ok, found.differences
    assert (found.total, found.voters, found.ballots) == (1, 1, 2)


async def test_of_two_votes_in_one_batch_the_later_one_counts(polls: PollStore) -> None:
    poll = await opened(polls, revote="last")
    own = voters(30)
    votes = [vote(voter, choice) for choice in ("1", "3", "2") for voter in own]
    codes = await cast(polls, poll, *votes)
    assert sorted(codes) == list(range(1, 91))
    tally = await polls.tally(poll.id)
    assert (tally.total, tally.counts) == (30, {"1": 0, "2": 30, "3": 0})
    assert len(await polls.superseded(poll.id)) == 60
    assert (await audit(polls, poll.id)).ok


async def test_links_live_until_the_poll_closes(polls: PollStore, valkey: Server) -> None:
    poll = await opened(polls, revote="last", shards=2)
    await cast(polls, poll, *map(vote, voters(20)))
    client = valkey.plain()
    links = [f"{{{poll.id}:{shard}}}:links" for shard in range(2)]
    assert sum(client.hlen(key) for key in links) == 20
    await polls.move(poll, PollState.CLOSED)
    assert not any(client.exists(key) for key in links)
    client.close()
    once = await opened(polls)
    await cast(polls, once, *map(vote, voters(5)))
    assert (await audit(polls, poll.id)).ok


async def test_choices_change_until_the_first_vote(polls: PollStore) -> None:
    poll = await opened(polls)
    other = edited(poll, [Asked("And now?", Kind.SINGLE, ("a", "b", "c", "d"))])
    stale = vote(voters(1)[0])
    assert await polls.edit(other)
    assert not await polls.edit(other), "the version before it does not stand any more"
    found = await polls.get(poll.id)
    assert (found.version, found.question, found.state) == (2, "And now?", PollState.OPEN)
    assert await cast(polls, poll, stale) == [store.STALE]
    assert await cast(polls, poll, vote(voters(1)[0], "4", version=2)) == [1]
    assert not await polls.edit(edited(found, [Asked("Third?", Kind.SINGLE, ("a", "b"))]))
    assert (await polls.tally(poll.id)).counts == {"1": 0, "2": 0, "3": 0, "4": 1}


async def test_a_sharded_poll_is_fixed_once_open(polls: PollStore) -> None:
    poll = new_poll(shards=2)
    await polls.create(poll)
    changed = edited(poll, [Asked("And now?", Kind.SINGLE, ("a", "b"))])
    assert await polls.edit(changed)
    await polls.move(changed, PollState.OPEN)
    assert not await polls.edit(edited(changed, [Asked("No?", Kind.SINGLE, ("a", "b"))]))


async def everything(polls: PollStore, poll: Poll, shard: int = 0, count: int = 7) -> list[Entry]:
    read: list[Entry] = []
    while page := await polls.ledger_page(poll.id, shard, read[-1].seq if read else 0, count):
        read += page
    return read


async def test_a_ledger_drains(polls: PollStore) -> None:
    poll = await opened(polls)
    votes = [vote(voter, str(1 + n % 3)) for n, voter in enumerate(voters(60))]
    for start in range(0, 60, 10):
        await cast(polls, poll, *votes[start : start + 10])
    read = await everything(polls, poll)
    assert [entry.seq for entry in read] == list(range(1, 61))
    assert {(e.ballot_id, e.answer, e.nonce) for e in read} == {
        (one.ballot_id, one.answer, one.nonce) for one in votes
    }
    # Whole batches go; one that is needed in part stays.
    assert await polls.trim(poll.id, 0, 35) == 30
    assert await polls.trim(poll.id, 0, 5) == 30
    assert [entry.seq for entry in await everything(polls, poll)] == list(range(31, 61))
    more = vote(voters(1)[0])
    assert await cast(polls, poll, more, votes[0]) == [
        61,
        next(entry.seq for entry in read if entry.ballot_id == votes[0].ballot_id),
    ]
    assert await polls.trim(poll.id, 0, 1_000) == 61
    assert await polls.ledger_page(poll.id, 0, 0, 10) == []
    assert await cast(polls, poll, vote(voters(1)[0])) == [62]
    sums = await polls.sums(poll.id)
    assert (sums.drained, sums.ledger, sums.lost, sums.tally.seq) == (61, 62, 0, 62)
    # Without the drained entries the audit is incomplete and says so; with them it is sound.
    assert not (await audit(polls, poll.id)).ok
    archived = [*read, Entry(61, more.ballot_id, more.answer, more.nonce)]
    assert (await audit(polls, poll.id, lambda poll, shard, upto: archived[:upto])).ok


async def test_receipts_are_as_short_for_long_answers(polls: PollStore, valkey: Server) -> None:
    poll = await opened(polls)
    (voter,) = voters(1)
    long = "~" + "x" * 300
    one = Vote(voter, b"b" * 16, long, b"n" * 16, (("1", 1),))
    assert await cast(polls, poll, one) == [1]
    assert await cast(polls, poll, one) == [1]
    other = Vote(voter, b"b" * 16, long + "y", b"n" * 16, (("1", 1),))
    assert await cast(polls, poll, other) == [store.CONFLICT]
    client = valkey.plain()
    (kept,) = client.hvals(f"{{{poll.id}:0}}:ballots")
    assert len(kept) == 5
    client.close()
    (entry,) = await polls.ledger_page(poll.id, 0, 0, 10)
    assert entry.answer == long
