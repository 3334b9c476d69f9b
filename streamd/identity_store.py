"""What the store keeps of identities: how many were given, used challenges, and access codes.

    streamd:identities                      hash: tier → identities given
    {streamd:identities}:challenge:{id}     a 64-bit HMAC of the device that used a challenge, until
                                            it would have expired
    {streamd:identities}:platform           set: 64-bit HMACs of platforms' users who have come
    {streamd:identities}:codes:{scope}      hash: a code's seal → used (0 or 1), batch, region
    {streamd:identities}:batches            hash: batch → its record

The braces put all of them on one node of a Cluster. Nothing here has a time, an address, a poll
voted in or a ballot, and no key that a voter is known by in a poll can be computed from it.

What is answered is as durable as a vote: on disk, on a Cluster on a replica's too. A script that
finds its work done writes all the same, because that is what ``polling.store_cluster`` waits for:
its earlier write may not have reached a replica. So each of them may be sent again.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Sequence
from typing import Any

import msgspec

from polling.errors import StoreDown
from polling.store_cluster import server_at
from polling.store_single import Server
from streamd.errors import StoreUnavailable
from streamd.identity import Tier

_ISSUED = "streamd:identities"
_TAG = "{streamd:identities}"
_BATCHES = f"{_TAG}:batches"
_CODES_A_CALL = 1_000
_SEEN_BYTES = 8

# A thing that happens once is counted in the same step that notes it.
_SPEND = """
local taken = redis.call('SET', KEYS[2], ARGV[2], 'NX', 'EX', ARGV[1])
if not taken and redis.call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
redis.call('HINCRBY', KEYS[1], 'device', taken and 1 or 0)
return 1
"""
_MEET = """
redis.call('HINCRBY', KEYS[1], 'platform', redis.call('SADD', KEYS[2], ARGV[1]))
return 1
"""
_REDEEM = """
local kept = redis.call('HGET', KEYS[2], ARGV[1])
if not kept then return nil end
local used, batch, region = string.match(kept, '^(%d),([^,]*),(.*)$')
if redis.call('HEXISTS', KEYS[3], batch) == 0 then return nil end
redis.call('HSET', KEYS[2], ARGV[1], '1,' .. batch .. ',' .. region)
redis.call('HINCRBY', KEYS[1], 'code', used == '0' and 1 or 0)
return region
"""


class Batch(msgspec.Struct, frozen=True):
    """Codes made together. ``poll`` is empty for codes that hold for the whole event;
    ``created_at`` is in Unix seconds.
    """

    id: str
    poll: str
    region: str
    count: int
    label: str
    created_at: float


class IdentityStore:
    """Every method raises StoreUnavailable where the store does not answer, or could not put a
    change on two disks in time.
    """

    def __init__(self, server: Server, secret: bytes) -> None:
        """``server`` is this object's own."""
        self._server = server
        self._secret = hashlib.sha256(b"identities-met" + secret).digest()

    @classmethod
    def at(cls, url: str, secret: bytes) -> IdentityStore:
        """One at the address of ``Store``, over connections of its own; ``close`` it."""
        return cls(server_at(url), secret)

    async def close(self) -> None:
        """Closes the connections."""
        await self._server.close()

    async def issued(self) -> dict[Tier, int]:
        """How many identities were given so far, per tier."""
        found = await self._asked(self._server.look_up(("HGETALL", _ISSUED)))
        given = {name.decode(): int(number) for name, number in found.items()}
        tiers: tuple[Tier, ...] = ("device", "platform", "code")
        return {tier: given.get(tier, 0) for tier in tiers}

    async def spend(self, challenge: str, device: str, seconds: int) -> bool:
        """Takes a solved challenge and counts a device; False where another device used it.

        The same device may send it again, for it may not have had the answer.
        """
        keys = (_ISSUED, f"{_TAG}:challenge:{challenge}")
        return bool(await self._script(_SPEND, keys, seconds, self._seen(device)))

    async def count_device(self) -> None:
        """Counts a device that had no challenge to solve."""
        await self._run("HINCRBY", _ISSUED, "device", 1)

    async def meet(self, voter: str) -> None:
        """Counts a platform's user who has not come before."""
        await self._script(_MEET, (_ISSUED, f"{_TAG}:platform"), self._seen(voter))

    async def add_codes(self, batch: Batch, scope: str, seals: Sequence[str]) -> None:
        """Keeps a batch. Its record goes last: until then none of its codes is taken."""
        kept = f"0,{batch.id},{batch.region}"
        for start in range(0, len(seals), _CODES_A_CALL):
            fields = [
                part for seal in seals[start : start + _CODES_A_CALL] for part in (seal, kept)
            ]
            await self._run("HSET", _codes(scope), *fields)
        await self._run("HSET", _BATCHES, batch.id, msgspec.json.encode(batch))

    async def redeem(self, scope: str, seal: str) -> str | None:
        """The region of a code, or None where there is no such code or its batch was withdrawn.

        The first time counts an identity; later ones change nothing.
        """
        keys = (_ISSUED, _codes(scope), _BATCHES)
        region: bytes | None = await self._script(_REDEEM, keys, seal)
        return None if region is None else region.decode()

    async def batches(self) -> list[Batch]:
        """Every batch that has not been withdrawn, oldest first."""
        raw = await self._asked(self._server.look_up(("HVALS", _BATCHES)))
        found = [msgspec.json.decode(value, type=Batch) for value in raw]
        return sorted(found, key=lambda batch: (batch.created_at, batch.id))

    async def withdraw(self, batch: str) -> bool:
        """Makes a batch's codes useless; False where there is none. Votes cast stay counted."""
        return bool(await self._run("HDEL", _BATCHES, batch))

    def _seen(self, name: str) -> bytes:
        return hmac.digest(self._secret, name.encode(), "sha256")[:_SEEN_BYTES]

    async def _script(self, text: str, keys: Sequence[str], *arguments: object) -> Any:
        return await self._run("EVAL", text, len(keys), *keys, *arguments)

    async def _run(self, command: str, *arguments: Any) -> Any:
        return await self._asked(self._server.change((command, *arguments)))

    async def _asked(self, reply: Awaitable[Any]) -> Any:
        try:
            return await reply
        except StoreDown as error:
            raise StoreUnavailable("The store does not answer. Try again in a moment.") from error


def _codes(scope: str) -> str:
    return f"{_TAG}:codes:{scope}"
