"""SIGKILL amid votes, to the store, a Cluster's primary and a gateway: acknowledged = counted.

The one test file here that uses streamd's part: its store is what starts Valkey again.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from polling.errors import AlreadyVoted, NotCounted
from polling.model import Ballot, Receipt
from polling.poll_keys import PollKeys
from polling.poll_rules import PollRules
from polling.questions import Asked, Kind
from polling.service import PollService
from polling.store import PollStore
from streamd import config
from streamd.store import Store
from tests.cluster import Cluster
from tests.polling.conftest import Settings, until

VOTES = 12_000
AT_ONCE = 400
KILLS = (0.2, 0.5, 0.8)


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    with tempfile.TemporaryDirectory(prefix="kill-") as home:
        store = Store(config.Store(dir=home))
        await store.start()
        yield store
        await store.stop()


class Electorate:
    """Voters who send their ballot again until it is acknowledged."""

    def __init__(self, service: PollService, poll: str, votes: int = VOTES) -> None:
        self.service = service
        self.ballots = {
            f"device:{n}": Ballot(
                poll, (str(1 + n % 3),), secrets.token_hex(16), secrets.token_hex(16)
            )
            for n in range(votes)
        }
        self.receipts: dict[str, Receipt] = {}
        self.unacknowledged = 0

    async def vote(self, voter: str, ballot: Ballot) -> None:
        while True:
            try:
                self.receipts[voter] = await self.service.cast(voter, ballot)
                return
            except NotCounted:
                self.unacknowledged += 1
                await asyncio.sleep(0.02)

    async def all_vote(self) -> None:
        waiting = iter(self.ballots.items())

        async def queue() -> None:
            for voter, ballot in waiting:
                await self.vote(voter, ballot)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(queue())


async def reached(electorate: Electorate, share: float) -> None:
    wanted = share * len(electorate.ballots)
    await until(lambda: len(electorate.receipts) >= wanted, 60)


async def kill_amid(store: Store, electorate: Electorate) -> None:
    for share in KILLS:
        await reached(electorate, share)
        pid = store.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not store.ready)
        await until(lambda: store.ready)


def new_service(address: str, keys: Path) -> PollService:
    return PollService(PollStore.at(address), PollKeys(keys), Settings())


async def counted_once(service: PollService, poll: str, electorate: Electorate) -> None:
    """Tally = ledger = voters = acknowledged, and every receipt stands."""
    audit = await service.audit(poll)
    assert audit.ok, audit.differences
    votes = len(electorate.ballots)
    assert audit.total == audit.ledger == audit.voters == len(electorate.receipts) == votes
    assert audit.recounted == Counter(one.choices[0] for one in electorate.ballots.values())
    places = {(receipt.shard, receipt.seq) for receipt in electorate.receipts.values()}
    assert len(places) == votes
    for voter in list(electorate.ballots)[:: votes // 40]:
        ballot = electorate.ballots[voter]
        assert await service.cast(voter, ballot) == electorate.receipts[voter]
        with pytest.raises(AlreadyVoted):
            await service.cast(voter, Ballot(poll, ("1",), secrets.token_hex(16), "0" * 32))


async def test_kill_9_loses_no_acknowledged_vote_and_counts_none_twice(
    store: Store, tmp_path: Path
) -> None:
    service = new_service(store.address, tmp_path / "keys")
    await service.start()
    poll = await service.create("alef", "Where first?", ["North", "South", "East"], "HQ")
    await service.open(poll.id)
    electorate = Electorate(service, poll.id)
    async with asyncio.TaskGroup() as group:
        group.create_task(electorate.all_vote())
        group.create_task(kill_amid(store, electorate))
    # The kills struck while votes were on their way.
    assert electorate.unacknowledged > 0

    # One more start, so that everything below is read from the disk.
    await service.stop()
    await store.stop()
    await store.start()
    service = new_service(store.address, tmp_path / "keys")
    await service.start()
    await counted_once(service, poll.id, electorate)
    await service.stop()


async def test_kill_9_of_a_primary_amid_votes(whole_cluster: Cluster, tmp_path: Path) -> None:
    """Its replica takes over with every acknowledged vote on its disk."""
    whole_cluster.flush()
    service = new_service(whole_cluster.url, tmp_path / "keys")
    await service.start()
    poll = await service.create_sheet(
        "alef",
        [Asked("Where first?", Kind.SINGLE, ("North", "South", "East"))],
        "HQ",
        PollRules(shards=6),
    )
    await service.open(poll.id)
    electorate = Electorate(service, poll.id, 4_000)

    async def kill_primary() -> None:
        await reached(electorate, 0.3)
        # Of shard 0: the poll's record moves too.
        whole_cluster.primary_of(f"{{{poll.id}:0}}:poll").end(signal.SIGKILL)

    async with asyncio.TaskGroup() as group:
        group.create_task(electorate.all_vote())
        group.create_task(kill_primary())
        group.create_task(heal_later(whole_cluster, electorate))
    assert electorate.unacknowledged > 0
    await counted_once(service, poll.id, electorate)
    await service.close(poll.id)
    assert (await service.tally(poll.id)).state == "closed"
    await service.stop()


async def heal_later(cluster: Cluster, electorate: Electorate) -> None:
    """Without a second copy nothing is acknowledged: the killed server comes back, a replica."""
    await until(lambda: len(cluster.alive()) < len(cluster.nodes), 60)
    before = {node.port for node in cluster.primaries()}
    await until(lambda: len({node.port for node in cluster.primaries()} - before) == 1, 30)
    await asyncio.to_thread(cluster.heal)
