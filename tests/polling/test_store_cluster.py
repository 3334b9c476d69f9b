"""What only a Cluster can do to a vote: slots that move, replicas that hang."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from redis.crc import key_slot

from polling.drafting import draft
from polling.errors import PollingError, StoreDown
from polling.model import Poll
from polling.rules import PollState
from polling.store import Counted, PollStore, Vote
from polling.store_answers import AnswerStore
from polling.store_cluster import NotOnDisk, without_cluster
from polling.store_qa import QaStore
from tests.cluster import Cluster, Node, pause, resume


@pytest.fixture
async def polls(whole_cluster: Cluster) -> AsyncIterator[PollStore]:
    whole_cluster.flush()
    store = PollStore.at(whole_cluster.url)
    yield store
    await store.close()


@pytest.fixture
async def poll(polls: PollStore) -> Poll:
    poll = draft("alef", "Where first?", ["North", "South"], "HQ", now=1.5)
    assert await polls.create(poll)
    return await polls.move(poll, PollState.OPEN, opened_at=2.0)


def vote() -> Vote:
    voter, ballot_id = secrets.token_bytes(16), secrets.token_bytes(16)
    return Vote(voter, ballot_id, "1", secrets.token_bytes(16), (("1", 1),))


async def cast(polls: PollStore, poll: Poll, *votes: Vote) -> Counted | PollingError:
    (result,) = await polls.cast([(poll.id, 0, votes)], 3.0)
    return result


def home(cluster: Cluster, poll: Poll) -> tuple[Node, Node]:
    """The poll's primary and that one's replica."""
    primary = cluster.primary_of(f"{{{poll.id}:0}}:poll")
    facts = primary.client.info("replication")
    port = facts["slave0"]["port"]
    return primary, next(node for node in cluster.nodes if node.port == port)


@pytest.mark.parametrize(
    ("url", "plain", "wanted"),
    [
        ("redis://h:1/0?cluster=1", "redis://h:1/0", True),
        ("redis://h:1?health_check_interval=5", "redis://h:1?health_check_interval=5", False),
        ("unix:///a/b.sock", "unix:///a/b.sock", False),
    ],
)
def test_a_url_says_that_it_is_a_clusters(url: str, plain: str, wanted: bool) -> None:
    assert without_cluster(url) == (plain, wanted)


async def test_nothing_is_acknowledged_before_a_replica_has_it_on_disk(
    whole_cluster: Cluster, polls: PollStore, poll: Poll
) -> None:
    _, replica = home(whole_cluster, poll)
    one = vote()
    pause(replica)
    try:
        # Nor the second time, when it is counted on the primary and nothing is left to write.
        for _ in range(2):
            assert isinstance(await cast(polls, poll, one), NotOnDisk)
        assert (await polls.tally(poll.id)).total == 1
        with pytest.raises(StoreDown):
            await polls.move(poll, PollState.CLOSED)
    finally:
        resume(replica)
    async with asyncio.timeout(20):
        while isinstance(found := await cast(polls, poll, one), PollingError):
            await asyncio.sleep(0.02)
    assert found.codes == [1]
    assert (await polls.tally(poll.id)).total == 1


async def test_what_viewers_write_is_not_acknowledged_either(
    whole_cluster: Cluster, polls: PollStore, poll: Poll
) -> None:
    _, replica = home(whole_cluster, poll)
    questions, answers = QaStore(polls.server, lambda: 3.0), AnswerStore(polls.server)
    item, ballot_id, voter = "1" * 32, "2" * 32, b"v" * 16
    ways: list[Callable[[], Awaitable[object]]] = [
        lambda: questions.ask(poll.id, voter, item, "Why?"),
        lambda: answers.hold(poll.id, ballot_id, {"q1": "because"}),
        lambda: answers.judge(poll.id, ballot_id, "q1", "approve"),
    ]
    pause(replica)
    try:
        for way in [*ways, *ways]:
            with pytest.raises(StoreDown):
                await way()
    finally:
        resume(replica)
    for way in ways:
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(StoreDown):
                    await way()
                    break
    assert [one.id for one in await questions.items(poll.id)] == [item]
    assert [one.text for one in await answers.approved(poll.id)] == ["because"]


async def test_votes_follow_a_slot_that_moves(
    whole_cluster: Cluster, polls: PollStore, poll: Poll
) -> None:
    before = vote()
    assert isinstance(await cast(polls, poll, before), Counted)
    slot = key_slot(f"{poll.id}:0".encode())
    source, _ = home(whole_cluster, poll)
    target = next(node for node in whole_cluster.primaries() if node.port != source.port)
    ids = {node.port: node.client.execute_command("CLUSTER MYID") for node in (source, target)}
    setslot = ("CLUSTER", "SETSLOT", slot)
    target.client.execute_command(*setslot, "IMPORTING", ids[source.port])
    source.client.execute_command(*setslot, "MIGRATING", ids[target.port])
    keys: list[Any] = source.client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100)
    source.client.migrate("127.0.0.1", target.port, keys, 0, 5_000)
    # Half-way the record is found where it is; a vote waits until the slot has arrived.
    assert (await polls.get(poll.id)).id == poll.id
    during = vote()
    assert isinstance(await cast(polls, poll, during), StoreDown)
    for node in (target, source, *whole_cluster.primaries()):
        node.client.execute_command(*setslot, "NODE", ids[target.port])
    found = await cast(polls, poll, during, before)
    assert isinstance(found, Counted), found
    assert found.codes == [2, 1]


async def test_every_poll_is_found_from_any_node(
    whole_cluster: Cluster, polls: PollStore, poll: Poll
) -> None:
    for node in whole_cluster.nodes:
        other = PollStore.at(f"redis://127.0.0.1:{node.port}", cluster=True)
        assert await other.get(poll.id) == poll
        await other.close()


async def test_a_cluster_that_is_not_there() -> None:
    polls = PollStore.at("redis://127.0.0.1:9?cluster=1")
    with pytest.raises(StoreDown):
        await polls.newest()
    (failed,) = await polls.cast([("abcdefghij", 0, [vote()])], 3.0)
    assert isinstance(failed, StoreDown)
    await polls.close()
