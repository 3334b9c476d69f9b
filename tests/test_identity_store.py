"""Identities on a real store: counted once, challenges spent once, codes of a batch withdrawn."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from streamd import config
from streamd.errors import StoreUnavailable
from streamd.identity_store import Batch, IdentityStore
from streamd.store import Store
from tests.cluster import Cluster, pause, resume
from tests.polling.conftest import (
    Server,
    client,
    one_server,
    pytest_generate_tests,
    session_cluster,
    until,
    valkey,
    whole_cluster,
)

__all__ = [
    "client",
    "one_server",
    "pytest_generate_tests",
    "session_cluster",
    "valkey",
    "whole_cluster",
]

pytestmark = pytest.mark.cluster_too

SECRET = b"s" * 32


@pytest.fixture
async def identities(valkey: Server, client: Redis) -> AsyncIterator[IdentityStore]:
    """On an emptied store, one server or a Cluster."""
    identities = IdentityStore.at(valkey.url, SECRET)
    yield identities
    await identities.close()


async def test_each_identity_is_counted_once(identities: IdentityStore) -> None:
    assert await identities.issued() == {"device": 0, "platform": 0, "code": 0}
    # A device that had no answer sends its solution again; another one can't use it.
    for _ in range(2):
        assert await identities.spend("challenge-1", "a", 60)
    assert not await identities.spend("challenge-1", "b", 60)
    await identities.count_device()
    for voter in ("platform:m:a", "platform:m:b", "platform:m:a"):
        await identities.meet(voter)
    await identities.add_codes(Batch("b1", "", "north", 2, "", 0.0), "event:e", ["s1", "s2"])
    assert await identities.redeem("event:e", "s1") == "north"
    assert await identities.redeem("event:e", "s1") == "north"
    assert await identities.issued() == {"device": 2, "platform": 2, "code": 1}


async def test_a_challenge_is_kept_only_as_long_as_it_could_be_answered(
    identities: IdentityStore, client: Any
) -> None:
    await identities.spend("challenge-1", "device-a", 60)
    key = "{streamd:identities}:challenge:challenge-1"
    assert 0 < client.ttl(key) <= 60
    assert len(client.get(key)) == 8


async def test_nothing_kept_names_a_platforms_user(identities: IdentityStore, client: Any) -> None:
    await identities.meet("platform:m:alice")
    [seen] = client.smembers("{streamd:identities}:platform")
    assert len(seen) == 8
    assert b"alice" not in seen


async def test_nothing_is_answered_before_a_replica_has_it_on_disk(whole_cluster: Cluster) -> None:
    """Nor the second time, when the work is done on the primary and only to be waited for."""
    whole_cluster.flush()
    identities = IdentityStore.at(whole_cluster.url, SECRET)
    await identities.add_codes(Batch("b1", "", "north", 1, "", 0.0), "event:e", ["s1"])
    port = whole_cluster.primary_of("streamd:identities").client.info("replication")["slave0"]
    replica = next(node for node in whole_cluster.nodes if node.port == port["port"])
    ways: list[Callable[[], Awaitable[object]]] = [
        lambda: identities.spend("challenge-1", "a", 60),
        lambda: identities.meet("platform:m:a"),
        lambda: identities.redeem("event:e", "s1"),
    ]
    pause(replica)
    try:
        for way in [*ways, *ways]:
            with pytest.raises(StoreUnavailable):
                await way()
    finally:
        resume(replica)
    for way in ways:
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(StoreUnavailable):
                    await way()
                    break
    # However often they were sent.
    assert await identities.issued() == {"device": 1, "platform": 1, "code": 1}
    await identities.close()


@pytest.mark.one_server
async def test_what_was_answered_outlives_a_kill(tmp_path: Path) -> None:
    store = Store(config.Store(dir=str(tmp_path)))
    await store.start()
    identities = IdentityStore.at(store.address, SECRET)
    await identities.add_codes(Batch("b1", "", "north", 1, "", 0.0), "event:e", ["s1"])
    assert await identities.spend("challenge-1", "a", 60)
    await identities.meet("platform:m:a")
    assert await identities.redeem("event:e", "s1") == "north"
    assert store.pid is not None
    os.kill(store.pid, signal.SIGKILL)
    await until(lambda: not store.ready)
    await until(lambda: store.ready)
    assert not await identities.spend("challenge-1", "b", 60)
    assert await identities.issued() == {"device": 1, "platform": 1, "code": 1}
    await identities.close()
    await store.stop()


async def test_codes_hold_where_they_were_made_for_and_until_withdrawn(
    identities: IdentityStore,
) -> None:
    first, second = Batch("b1", "p1", "", 1, "", 1.0), Batch("b2", "p1", "", 1, "hall", 2.0)
    await identities.add_codes(second, "poll:p1", ["s2"])
    await identities.add_codes(first, "poll:p1", ["s1"])
    assert await identities.batches() == [first, second]
    assert await identities.redeem("poll:p1", "s1") == ""
    assert await identities.redeem("poll:p2", "s1") is None
    assert await identities.redeem("poll:p1", "s3") is None
    assert await identities.withdraw("b1")
    assert not await identities.withdraw("b1")
    assert await identities.redeem("poll:p1", "s1") is None
    assert await identities.redeem("poll:p1", "s2") == ""
    assert await identities.batches() == [second]


async def test_a_batch_larger_than_a_call_is_kept_whole(identities: IdentityStore) -> None:
    seals = [f"s{number}" for number in range(2_500)]
    await identities.add_codes(Batch("b1", "", "", 2_500, "", 0.0), "event:e", seals)
    assert await identities.redeem("event:e", "s0") == ""
    assert await identities.redeem("event:e", "s2499") == ""


async def test_without_a_store_nothing_is_given(tmp_path: Path) -> None:
    identities = IdentityStore.at(f"unix://{tmp_path}/nothing.sock", SECRET)
    with pytest.raises(StoreUnavailable):
        await identities.spend("challenge", "a", 60)
    with pytest.raises(StoreUnavailable):
        await identities.redeem("event:e", "s1")
    await identities.close()
