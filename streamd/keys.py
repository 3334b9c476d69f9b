"""Stream keys and the headquarters' key: made once, shown once, kept only as SHA-256.

A key is 144 random bits, so a fast hash is enough (OWASP ASVS 5, 11.4: slow hashes are for
passwords). The store's hash ``streamd:keys`` maps digest → record; checking a key is one look-up
by its digest, so no comparison can leak by its timing.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import Any, Literal

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisClusterException, RedisError

from streamd.config import STREAM_ID
from streamd.errors import Forbidden, InvalidStreamId, StoreUnavailable, Unauthenticated

_KEYS = "streamd:keys"
HEADQUARTERS = "hq"

Scope = Literal["stream", "hq", "captions"]
"""What a key may do: all that its stream's team may, that for every stream, or nothing but write
its stream's captions."""

_PREFIXES: dict[Scope, str] = {"stream": "sk_", "hq": "hq_", "captions": "cc_"}
_CAPTIONS_ONLY = "This key is for captions only. Ask the stream's team for what you need."


class KeyRecord(msgspec.Struct, frozen=True):
    """What is kept of a key. ``created`` is in Unix seconds; ``stream`` is empty for ``hq``."""

    id: str
    scope: Scope
    stream: str
    label: str
    created: float


class StreamKeys:
    """Makes, checks, lists and revokes keys in the store."""

    def __init__(self, client: Callable[[], Redis]) -> None:
        self._client = client

    async def add(
        self, stream: str | None, label: str = "", *, captions: bool = False
    ) -> tuple[str, KeyRecord]:
        """A new key for ``stream`` (None: the headquarters'); the key itself is never kept.

        With ``captions`` it may write that stream's captions and do nothing else. Raises
        InvalidStreamId.
        """
        if stream is None:
            scope: Scope = "hq"
        elif not STREAM_ID.fullmatch(stream):
            raise InvalidStreamId(stream)
        else:
            scope = "captions" if captions else "stream"
        key = _PREFIXES[scope] + secrets.token_urlsafe(18)
        record = KeyRecord(
            id=secrets.token_hex(4),
            scope=scope,
            stream=stream or "",
            label=label,
            created=time.time(),
        )
        await self._run("hset", _KEYS, _digest(key), msgspec.json.encode(record))
        return key, record

    async def list(self) -> list[KeyRecord]:
        """All records, oldest first."""
        raw = await self._run("hvals", _KEYS)
        records = [msgspec.json.decode(value, type=KeyRecord) for value in raw]
        return sorted(records, key=lambda record: (record.created, record.id))

    async def revoke(self, key_id: str) -> bool:
        """Removes the key with this record id; False where there is none."""
        for digest, value in (await self._run("hgetall", _KEYS)).items():
            if msgspec.json.decode(value, type=KeyRecord).id == key_id:
                return bool(await self._run("hdel", _KEYS, digest))
        return False

    async def check(self, key: str | None, stream: str, *, for_captions: bool = False) -> KeyRecord:
        """The record behind ``key`` if it may act for ``stream``.

        ``for_captions``: for what a captions' key may do too. Raises Unauthenticated without a key
        or with an unknown one, Forbidden where the key is another stream's or for captions only,
        StoreUnavailable where the store does not answer.
        """
        if not key:
            raise Unauthenticated(
                "This needs the stream's key. Send it as “Authorization: Bearer KEY”."
            )
        record = await self._look_up(key)
        if record.scope != HEADQUARTERS and record.stream != stream:
            raise Forbidden("This key belongs to another stream.")
        return record if for_captions else _for_more_than_captions(record)

    async def find(self, key: str) -> KeyRecord:
        """The record behind ``key``, whichever stream's. Raises Unauthenticated, Forbidden where
        it is for captions only, StoreUnavailable.
        """
        return _for_more_than_captions(await self._look_up(key))

    async def record(self, key: str) -> KeyRecord:
        """What ``key`` may do, whatever that is. Raises Unauthenticated, StoreUnavailable."""
        return await self._look_up(key)

    async def _look_up(self, key: str) -> KeyRecord:
        raw = await self._run("hget", _KEYS, _digest(key))
        if raw is None:
            raise Unauthenticated("This key is not valid. Ask the headquarters for a new link.")
        return msgspec.json.decode(raw, type=KeyRecord)

    async def _run(self, command: str, *arguments: str | bytes) -> Any:
        try:
            return await self._client().execute_command(command.upper(), *arguments)  # type: ignore[no-untyped-call]
        except (RedisError, RedisClusterException, OSError) as error:
            raise StoreUnavailable("The store does not answer. Try again in a moment.") from error


def _for_more_than_captions(record: KeyRecord) -> KeyRecord:
    if record.scope == "captions":
        raise Forbidden(_CAPTIONS_ONLY)
    return record


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
