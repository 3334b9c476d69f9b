"""SIGKILL to a Cluster's primary while a sharded poll closes: what was acknowledged is counted."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from pathlib import Path

import pytest

from polling.errors import NotCounted, PollClosed
from polling.model import Ballot, Poll
from polling.poll_keys import PollKeys
from polling.poll_rules import PollRules
from polling.questions import Asked, Kind
from polling.rules import FINISHED
from polling.service import PollService
from polling.store import PollStore
from tests.cluster import Cluster
from tests.polling.conftest import Settings, until
from tests.polling.test_kill import Electorate, heal_later, reached

SHARDS = 6
VOTES = 3_000


class Struck(PollStore):
    """The real store; once shard 0 has closed and before the others do, a primary dies."""

    cluster: Cluster
    victim: str

    async def complete(self, poll: Poll) -> None:
        """As the store's own, a kill earlier the first time."""
        if poll.state in FINISHED and self.victim:
            victim, self.victim = self.victim, ""
            node = self.cluster.primary_of(_key(poll, shard_on(self.cluster, poll, victim)))
            await asyncio.to_thread(node.end, signal.SIGKILL)
        await super().complete(poll)


def _key(poll: Poll, shard: int) -> str:
    return f"{{{poll.id}:{shard}}}:poll"


def shard_on(cluster: Cluster, poll: Poll, victim: str) -> int:
    """Shard 0, or the first one that lies on another node than it."""
    first = cluster.primary_of(_key(poll, 0))
    shards = range(SHARDS)
    homes = {shard: cluster.primary_of(_key(poll, shard)).port for shard in shards}
    others = [shard for shard in shards if homes[shard] != first.port]
    return 0 if victim == "record" else others[0]


class Latecomers(Electorate):
    """Voters who go on while the poll closes: some come too late."""

    def __init__(self, service: PollService, poll: str) -> None:
        super().__init__(service, poll, VOTES)
        self.late: set[str] = set()

    async def vote(self, voter: str, ballot: Ballot) -> None:
        """Until it is acknowledged, or refused for good."""
        try:
            await super().vote(voter, ballot)
        except PollClosed:
            self.late.add(voter)


@pytest.mark.parametrize("victim", ["record", "another shard"])
async def test_kill_9_of_a_primary_while_a_sharded_poll_closes(
    whole_cluster: Cluster, tmp_path: Path, victim: str
) -> None:
    whole_cluster.flush()
    store = Struck.at(whole_cluster.url)
    assert isinstance(store, Struck)
    store.cluster, store.victim = whole_cluster, victim
    service = PollService(store, PollKeys(tmp_path / "keys"), Settings())
    await service.start()
    poll = await service.create_sheet(
        "alef",
        [Asked("Where first?", Kind.SINGLE, ("North", "South", "East"))],
        "HQ",
        PollRules(shards=SHARDS),
    )
    await service.open(poll.id)
    electorate = Latecomers(service, poll.id)

    async def close() -> None:
        await reached(electorate, 0.3)
        with pytest.raises(NotCounted):
            await service.close(poll.id)
        # Nothing more is done for it here: the clock finishes what was begun.

    async with asyncio.TaskGroup() as group:
        group.create_task(electorate.all_vote())
        group.create_task(close())
        group.create_task(heal_later(whole_cluster, electorate))
    assert electorate.late
    key = tmp_path / "keys" / f"{poll.id}.key"
    await until(lambda: not key.exists(), 60)
    assert (await service.tally(poll.id)).state == "closed"
    await acknowledged_is_counted(service, poll.id, electorate)
    await service.stop()


async def acknowledged_is_counted(service: PollService, poll: str, electorate: Latecomers) -> None:
    """Tally = ledger = voters = receipts; each voter has a receipt that stands, or came late."""
    audit = await service.audit(poll)
    assert audit.ok, audit.differences
    receipts = electorate.receipts
    assert audit.total == audit.ledger == audit.voters == len(receipts)
    assert audit.recounted == Counter(electorate.ballots[voter].choices[0] for voter in receipts)
    assert receipts.keys() | electorate.late == electorate.ballots.keys()
    assert not receipts.keys() & electorate.late
    for voter in list(receipts)[:: len(receipts) // 40]:
        assert await service.cast(voter, electorate.ballots[voter]) == receipts[voter]
