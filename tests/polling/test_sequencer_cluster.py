"""The sequencer on a real Cluster: shards on several nodes, and a primary that dies meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from polling.errors import NotCounted
from polling.poll_rules import PollRules
from polling.sequencer import Sequencer, Standing
from polling.store import PollStore
from tests.cluster import Cluster
from tests.polling.log_polls import LoggedPoll
from tests.polling.test_sequencer import Place


@pytest.fixture
async def place(whole_cluster: Cluster, tmp_path: Path) -> AsyncIterator[Place]:
    whole_cluster.flush()
    store = PollStore.at(whole_cluster.url)
    yield Place(store, tmp_path)
    await store.close()


async def stepped(sequencer: Sequencer, second: float) -> Standing:
    """What a step comes to, tried again while the Cluster fails over."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await sequencer.step(second)
            except NotCounted:
                await asyncio.sleep(0.05)


async def test_shards_on_every_node_become_one_log(place: Place) -> None:
    poll = await LoggedPoll.opened(place.store, PollRules(shards=8))
    sequencer = place.sequencer(poll)
    await poll.vote(120)
    await sequencer.step(0)
    place.check_each_ballot_is_there(poll)
    await poll.vote(40)
    await poll.close()
    assert await sequencer.step(10) is Standing.COMPLETE
    place.check_each_ballot_is_there(poll)


async def test_a_primary_that_dies_takes_no_ballot_from_the_log(
    whole_cluster: Cluster, place: Place
) -> None:
    poll = await LoggedPoll.opened(place.store, PollRules(shards=8))
    sequencer = place.sequencer(poll)
    await poll.vote(120)
    await stepped(sequencer, 0)
    await poll.vote(60)
    # The node that holds the poll's record and its lease. It comes back as a replica: before that
    # nothing is on two disks, so nothing is logged.
    whole_cluster.primary_of(f"{{{poll.poll.id}:0}}:poll").end()
    with pytest.raises(NotCounted):
        await sequencer.step(10)
    await asyncio.to_thread(whole_cluster.heal)
    await stepped(sequencer, 20)
    place.check_each_ballot_is_there(poll)
