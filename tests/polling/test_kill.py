"""SIGKILL to the store amid 20,000 votes: no acknowledged vote is lost, none counts twice.

The one test here that uses streamd's part: its store is what starts Valkey again.
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
from polling.service import PollService
from polling.store import PollStore
from streamd import config
from streamd.store import Store
from tests.polling.conftest import Settings, until

VOTES = 20_000
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

    def __init__(self, service: PollService, poll: str) -> None:
        self.service = service
        self.ballots = {
            f"device:{n}": Ballot(
                poll, (str(1 + n % 3),), secrets.token_hex(16), secrets.token_hex(16)
            )
            for n in range(VOTES)
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


async def kill_amid(store: Store, electorate: Electorate) -> None:
    for share in KILLS:
        await until(lambda share=share: len(electorate.receipts) >= share * VOTES, 60)  # type: ignore[misc]
        pid = store.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not store.ready)
        await until(lambda: store.ready)


async def test_kill_9_loses_no_acknowledged_vote_and_counts_none_twice(
    store: Store, tmp_path: Path
) -> None:
    service = PollService(PollStore.at(store.address), PollKeys(tmp_path / "keys"), Settings())
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
    service = PollService(PollStore.at(store.address), PollKeys(tmp_path / "keys"), Settings())
    await service.start()
    audit = await service.audit(poll.id)
    assert audit.ok, audit.differences
    assert audit.total == audit.ledger == audit.voters == VOTES
    wanted = Counter(ballot.choices[0] for ballot in electorate.ballots.values())
    assert audit.recounted == dict(wanted)
    assert sorted(receipt.seq for receipt in electorate.receipts.values()) == [*range(1, VOTES + 1)]
    for voter in list(electorate.ballots)[:: VOTES // 50]:
        ballot = electorate.ballots[voter]
        assert await service.cast(voter, ballot) == electorate.receipts[voter]
        with pytest.raises(AlreadyVoted):
            await service.cast(voter, Ballot(poll.id, ("1",), secrets.token_hex(16), "0" * 32))
    await service.stop()
