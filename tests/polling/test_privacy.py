"""After votes and closing, nothing that streamd keeps leads from a known voter to an answer."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from polling.model import Ballot, Poll
from polling.poll_keys import PollKeys
from polling.service import PollService
from polling.store_wire import Entry, entries
from tests.polling.conftest import Asking, Server, Told, ballot, until

pytestmark = pytest.mark.cluster_too

VOTERS = [f"device:{secrets.token_hex(8)}" for _ in range(60)]


async def vote(service: PollService, poll: Poll) -> dict[str, Ballot]:
    """Every voter votes, some alone in their batch and some in company."""
    cast = {voter: ballot(poll, str(1 + n % 3)) for n, voter in enumerate(VOTERS)}
    for voter, one in list(cast.items())[:20]:
        await service.cast(voter, one)
    await asyncio.gather(*(service.cast(voter, one) for voter, one in list(cast.items())[20:]))
    return cast


def everything(client: Any) -> dict[bytes, bytes]:
    """Every key of the store with its whole value."""
    return {key: repr(whole(client, key)).encode() for key in client.keys("*")}


def whole(client: Any, key: bytes) -> object:
    kind = client.type(key)
    if kind == b"hash":
        return client.hgetall(key)
    if kind == b"set":
        return client.smembers(key)
    if kind == b"zset":
        return client.zrange(key, 0, -1, withscores=True)
    if kind == b"stream":
        return client.xrange(key)
    raise AssertionError(f"an unexpected kind of key: {key!r} {kind!r}")


def append_only_files(valkey: Server) -> bytes:
    found = dict(files_below(valkey.directory))
    assert any("incr" in path.name for path in found)
    return b"".join(found.values())


def files_below(directory: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file that is there, but for those that a server removes meanwhile."""
    for path in directory.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                yield path, path.read_bytes()


def ledger(client: Any, poll: str) -> list[Entry]:
    chunks = client.xrange(f"{{{poll}:0}}:ledger")
    return [entry for chunk in chunks for entry in entries(chunk)]


async def test_no_voter_is_named_anywhere(
    service: PollService, ask: Asking, client: Any, valkey: Server
) -> None:
    poll = await ask()
    cast = await vote(service, poll)
    await service.close(poll.id)
    kept = b"".join(key + value for key, value in everything(client).items())
    kept += append_only_files(valkey)
    # The search can find things: this ballot_id is there.
    assert bytes.fromhex(cast[VOTERS[0]].ballot_id) in kept
    for voter in VOTERS:
        name = voter.partition(":")[2]
        for form in (name.encode(), bytes.fromhex(name), name.upper().encode()):
            assert form not in kept


async def test_the_key_dies_at_close_and_was_never_in_the_store(
    service: PollService, ask: Asking, client: Any, valkey: Server, tmp_path: Path
) -> None:
    poll = await ask()
    path = tmp_path / "poll-keys" / f"{poll.id}.key"
    key = path.read_bytes()
    await vote(service, poll)
    await service.close(poll.id)
    assert not path.exists()
    assert PollKeys(tmp_path / "poll-keys").nullifier(poll.id, VOTERS[0]) is None
    kept = b"".join(everything(client).values()) + append_only_files(valkey)
    for form in (key, key.hex().encode()):
        assert form not in kept


async def test_the_voted_set_holds_nullifiers_and_nothing_else(
    service: PollService, ask: Asking, client: Any, tmp_path: Path
) -> None:
    poll = await ask()
    keys = PollKeys(tmp_path / "poll-keys")
    expected = {keys.nullifier(poll.id, voter) for voter in VOTERS}
    cast = await vote(service, poll)
    voted = f"{{{poll.id}:0}}:voted"
    assert client.smembers(voted) == expected
    # And a nullifier stands nowhere else, a ballot_id not in the set.
    for name, value in everything(client).items():
        if name != voted.encode():
            assert not any(repr(one)[2:-1].encode() in value for one in expected)
    assert not {bytes.fromhex(one.ballot_id) for one in cast.values()} & expected


async def test_ledger_positions_are_numbers_and_never_times(
    service: PollService, ask: Asking, client: Any
) -> None:
    poll = await ask()
    cast = await vote(service, poll)
    chunks = client.xrange(f"{{{poll.id}:0}}:ledger")
    ends = list(itertools.accumulate(len(fields[b"b"]) // 16 for _, fields in chunks))
    assert ends[-1] == 60
    assert [position for position, _ in chunks] == [f"{end}-0".encode() for end in ends]
    for _, fields in chunks:
        assert set(fields) == {b"b", b"n", b"g", b"a"}
        assert len(fields[b"b"]) == len(fields[b"n"]) == 8 * len(fields[b"g"])
    nonces = sorted(bytes.fromhex(one.nonce) for one in cast.values())
    assert sorted(entry.nonce for entry in ledger(client, poll.id)) == nonces


async def test_a_batch_keeps_no_order_of_arrival(
    service: PollService, ask: Asking, client: Any, valkey: Server, told: Told
) -> None:
    poll = await ask()
    cast = await vote(service, poll)
    arrived = [bytes.fromhex(one.ballot_id) for one in cast.values()][20:]
    kept = [entry.ballot_id for entry in ledger(client, poll.id)][20:]
    # 40 ballots come out in the order of arrival once in 40! runs.
    assert sorted(kept) == sorted(arrived)
    assert kept != arrived
    await until(lambda: told.tallies[-1].total == 60)
    # In the append-only file each batch's voters come first, in the order of their nullifiers.
    log = append_only_files(valkey)
    batches = re.findall(
        rb"SADD\r\n\$\d+\r\n\{" + poll.id.encode() + rb":0\}:voted\r\n((?:\$16\r\n.{16}\r\n)+)",
        log,
        re.DOTALL,
    )
    assert len(batches) >= 21
    for batch in batches:
        nullifiers = [batch[place + 5 : place + 21] for place in range(0, len(batch), 23)]
        assert nullifiers == sorted(nullifiers)


async def test_shuffling_differs_from_batch_to_batch(service: PollService, client: Any) -> None:
    orders = set()
    for _ in range(4):
        poll = await service.open((await service.create("alef", "Q", ["a", "b"], "HQ")).id)
        sent = [ballot(poll) for _ in range(12)]
        await asyncio.gather(*(service.cast(f"v{n}", one) for n, one in enumerate(sent)))
        place = {bytes.fromhex(one.ballot_id): n for n, one in enumerate(sent)}
        orders.add(tuple(place[entry.ballot_id] for entry in ledger(client, poll.id)))
    assert len(orders) > 1
