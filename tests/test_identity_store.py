"""Identities on a real store: counted once, challenges spent once, codes of a batch withdrawn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streamd import config
from streamd.errors import StoreUnavailable
from streamd.identity_store import Batch, IdentityStore
from streamd.store import Store

SECRET = b"s" * 32


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A real Valkey of this test's own."""
    started = Store(config.Store(dir=str(tmp_path)))
    await started.start()
    yield started
    await started.stop()


async def test_each_identity_is_counted_once(store: Store) -> None:
    identities = IdentityStore(store.client, SECRET)
    assert await identities.issued() == {"device": 0, "platform": 0, "code": 0}
    assert await identities.spend("challenge-1", 60)
    assert not await identities.spend("challenge-1", 60)
    await identities.count_device()
    for voter in ("platform:m:a", "platform:m:b", "platform:m:a"):
        await identities.meet(voter)
    await identities.add_codes(Batch("b1", "", "north", 2, "", 0.0), "event:e", ["s1", "s2"])
    assert await identities.redeem("event:e", "s1") == "north"
    assert await identities.redeem("event:e", "s1") == "north"
    assert await identities.issued() == {"device": 2, "platform": 2, "code": 1}


async def test_a_challenge_is_kept_only_as_long_as_it_could_be_answered(store: Store) -> None:
    await IdentityStore(store.client, SECRET).spend("challenge-1", 60)
    [key] = await store.client().keys("*challenge-1")
    assert 0 < await store.client().ttl(key) <= 60


async def test_nothing_kept_names_a_platforms_user(store: Store) -> None:
    await IdentityStore(store.client, SECRET).meet("platform:m:alice")
    [seen] = await store.client().smembers("{streamd:identities}:platform")
    assert len(seen) == 8
    assert b"alice" not in seen


async def test_codes_hold_where_they_were_made_for_and_until_withdrawn(store: Store) -> None:
    identities = IdentityStore(store.client, SECRET)
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


async def test_a_batch_larger_than_a_call_is_kept_whole(store: Store) -> None:
    identities = IdentityStore(store.client, SECRET)
    seals = [f"s{number}" for number in range(2_500)]
    await identities.add_codes(Batch("b1", "", "", 2_500, "", 0.0), "event:e", seals)
    assert await identities.redeem("event:e", "s0") == ""
    assert await identities.redeem("event:e", "s2499") == ""


async def test_without_a_store_nothing_is_given(tmp_path: Path) -> None:
    nowhere = Store(config.Store(url=f"unix://{tmp_path}/nothing.sock"))
    identities = IdentityStore(nowhere.client, SECRET)
    with pytest.raises(StoreUnavailable):
        await identities.spend("challenge", 60)
    with pytest.raises(StoreUnavailable):
        await identities.redeem("event:e", "s1")
    await nowhere.stop()
