"""What the store keeps of identities: how many were given, used challenges, and access codes.

    streamd:identities                      hash: tier → identities given
    {streamd:identities}:challenge:{id}     a used challenge, until it would have expired
    {streamd:identities}:platform           set: 64-bit HMACs of platforms' users who have come
    {streamd:identities}:codes:{scope}      hash: a code's seal → used (0 or 1), batch, region
    {streamd:identities}:batches            hash: batch → its record

The braces put all of them on one node of a Cluster. Nothing here has a time, an address, a poll
voted in or a ballot, and no key that a voter is known by in a poll can be computed from it.

On a Cluster a write is answered before a replica has it: a failover may forget the last second's.
Redeeming a code again gives the same voter, so that costs a count, and no poll a second vote.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisClusterException, RedisError

from streamd.errors import StoreUnavailable
from streamd.identity import Tier

_ISSUED = "streamd:identities"
_TAG = "{streamd:identities}"
_BATCHES = f"{_TAG}:batches"
_CODES_A_CALL = 1_000
_SEEN_BYTES = 8

# A thing that happens once is counted in the same step that notes it.
_SPEND = """
if not redis.call('SET', KEYS[2], '', 'NX', 'EX', ARGV[1]) then return 0 end
redis.call('HINCRBY', KEYS[1], 'device', 1)
return 1
"""
_MEET = """
if redis.call('SADD', KEYS[2], ARGV[1]) == 1 then
  redis.call('HINCRBY', KEYS[1], 'platform', 1)
end
return 1
"""
_REDEEM = """
local kept = redis.call('HGET', KEYS[2], ARGV[1])
if not kept then return nil end
local used, batch, region = string.match(kept, '^(%d),([^,]*),(.*)$')
if redis.call('HEXISTS', KEYS[3], batch) == 0 then return nil end
if used == '0' then
  redis.call('HSET', KEYS[2], ARGV[1], '1,' .. batch .. ',' .. region)
  redis.call('HINCRBY', KEYS[1], 'code', 1)
end
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
    """Every method raises StoreUnavailable where the store does not answer."""

    def __init__(self, client: Callable[[], Redis], secret: bytes) -> None:
        self._client = client
        self._secret = hashlib.sha256(b"identities-met" + secret).digest()

    async def issued(self) -> dict[Tier, int]:
        """How many identities were given so far, per tier."""
        found = await self._run("HGETALL", _ISSUED)
        given = {name.decode(): int(number) for name, number in found.items()}
        tiers: tuple[Tier, ...] = ("device", "platform", "code")
        return {tier: given.get(tier, 0) for tier in tiers}

    async def spend(self, challenge: str, seconds: int) -> bool:
        """Takes a solved challenge once and counts a device; False where it was used before."""
        key = f"{_TAG}:challenge:{challenge}"
        return bool(await self._script(_SPEND, (_ISSUED, key), seconds))

    async def count_device(self) -> None:
        """Counts a device that had no challenge to solve."""
        await self._run("HINCRBY", _ISSUED, "device", 1)

    async def meet(self, voter: str) -> None:
        """Counts a platform's user who has not come before."""
        seen = hmac.digest(self._secret, voter.encode(), "sha256")[:_SEEN_BYTES]
        await self._script(_MEET, (_ISSUED, f"{_TAG}:platform"), seen)

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
        raw = await self._run("HVALS", _BATCHES)
        found = [msgspec.json.decode(value, type=Batch) for value in raw]
        return sorted(found, key=lambda batch: (batch.created_at, batch.id))

    async def withdraw(self, batch: str) -> bool:
        """Makes a batch's codes useless; False where there is none. Votes cast stay counted."""
        return bool(await self._run("HDEL", _BATCHES, batch))

    async def _script(self, text: str, keys: Sequence[str], argument: object) -> Any:
        return await self._run("EVAL", text, len(keys), *keys, argument)

    async def _run(self, command: str, *arguments: Any) -> Any:
        try:
            return await self._client().execute_command(command, *arguments)  # type: ignore[no-untyped-call]
        except (RedisError, RedisClusterException, OSError) as error:
            raise StoreUnavailable("The store does not answer. Try again in a moment.") from error


def _codes(scope: str) -> str:
    return f"{_TAG}:codes:{scope}"
