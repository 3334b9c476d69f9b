"""Polls on Valkey 7+ or Redis 7+: the only module here that imports redis.

Every change is one call of a function in ``cast.lua``; its head lists the keys. Beside them stand
indexes that hold ids only: ``polls`` and ``polls:STREAM`` (sorted by creation) and ``polls:open``.
An index is written before the poll it names, so a crash leaves at most a name without a poll.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack
import msgspec
from redis import exceptions as redis_errors
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from polling.errors import LedgerBroken, PollingError, StoreDown, UnknownPoll
from polling.model import Poll, Tally
from polling.rules import PollState, is_poll_id

# What cast.lua answers in place of a position.
CONFLICT, VOTED, CLOSED, UNKNOWN_CHOICE, NO_KEY, STALE = -1, -2, -3, -4, -5, -6

_LIBRARY = (Path(__file__).parent / "cast.lua").read_text(encoding="utf-8")
_PAGE = 1_000
_ANSWER_SECONDS = 5.0
_LIFE = ("state", "opens_at", "opened_at", "closes_at", "closed_at", "shown_at")


class Vote(msgspec.Struct, frozen=True, gc=False):
    """One ballot on its way into the store. ``nullifier`` None: the poll has no key.

    ``answer`` is the canonical text of ``model.Answer``, ``deltas`` what it adds to which counter,
    ``version`` the poll's, against which it was admitted.
    """

    nullifier: bytes | None
    ballot_id: bytes
    answer: str
    nonce: bytes
    deltas: tuple[tuple[str, int], ...]
    version: int = 1


# The votes of one batch, with their poll and their shard of it.
Batch = tuple[str, int, Sequence[Vote]]


def shard_of(nullifier: bytes, shards: int) -> int:
    """The shard, 0 to ``shards`` - 1, that holds the voter of ``nullifier``."""
    return int.from_bytes(nullifier[:4]) % shards


@dataclass(frozen=True, slots=True)
class Counted:
    """What one batch did: the tally after it, and per vote its position or a negative code.

    ``fresh`` of the positions were given by this batch; the others repeat an earlier receipt.
    """

    tally: Tally
    fresh: int
    codes: list[int]


@dataclass(frozen=True, slots=True)
class Sums:
    """One poll's numbers at one moment, counted by the store in one step."""

    tally: Tally
    voters: int
    ballots: int
    ledger: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One ledger entry beside the receipt that its ballot_id leads to (None: there is none)."""

    seq: int
    part: int
    ballot_id: bytes
    choice: str
    receipt: str | None


class PollStore:
    """Reads and changes polls. Every method raises StoreDown where the store does not answer.

    Pages read as often as people look at them, so reads have connections of their own: however
    many wait for one of those, a vote waits for none of them.
    """

    def __init__(self, client: Redis, reader: Redis | None = None) -> None:
        """``client`` casts and changes, ``reader`` reads; None: ``client`` does both."""
        # Its methods' types differ from command to command; plain commands go through all of them.
        self._redis: Any = client
        self._reader: Any = reader or client

    @classmethod
    def at(cls, url: str) -> PollStore:
        """A store at ``redis://``, ``rediss://`` or ``unix://``, over connections of its own."""
        return cls(_client(url), _client(url))

    async def close(self) -> None:
        """Closes the connections."""
        await self._redis.aclose()
        await self._reader.aclose()

    async def create(self, poll: Poll) -> bool:
        """Puts a draft in the store; False where its id is taken."""
        for index in ("polls", f"polls:{poll.stream}"):
            await self._command("ZADD", index, poll.created_at, poll.id)
        record = msgspec.json.encode(_record(poll))
        return bool(await self._function("create", _keys(poll.id)[:2], record, *poll.counters))

    async def get(self, poll: str) -> Poll:
        """The poll as it stands. Raises UnknownPoll."""
        if is_poll_id(poll):
            fields = await self._look_up("HGETALL", _keys(poll)[0])
            if fields:
                return _poll(fields)
        raise UnknownPoll(poll)

    async def newest(self, stream: str | None = None, limit: int = 100) -> tuple[Poll, ...]:
        """The newest ``limit`` polls, of one stream or of all, newest first."""
        return await self.read(await self.newest_ids(stream, limit))

    async def newest_ids(
        self, stream: str | None = None, limit: int = 100, *, running: bool = False
    ) -> list[str]:
        """The ids of the newest ``limit`` polls, newest first, in one round trip.

        ``running``: then those of all polls, of any stream, in the index of open ones.
        """
        index = "polls" if stream is None else f"polls:{stream}"
        calls: list[tuple[Any, ...]] = [("ZREVRANGE", index, 0, limit - 1)]
        if running:
            calls.append(("SMEMBERS", "polls:open"))
        newest, *rest = await self._look_up_all(calls)
        names = [*newest, *(sorted(rest[0]) if rest else ())]
        # Each id once, in its first place.
        return list(dict.fromkeys(name.decode() for name in names))

    async def running(self) -> tuple[Poll, ...]:
        """Every poll in the index of open ones; one that crashed while moving may not be open."""
        names = await self._look_up("SMEMBERS", "polls:open")
        return await self.read(sorted(name.decode() for name in names))

    async def with_tallies(self, polls: Sequence[str]) -> tuple[tuple[Poll, Tally], ...]:
        """Those of ``polls`` that there are, each with its tally, in one round trip.

        A tally is never older than its poll's state: a closed poll's is the final one.
        """
        calls = [
            call
            for poll in polls
            for call in (
                ("HGETALL", _keys(poll)[0]),
                ("FCALL", "polling_1_tally", 2, *_keys(poll)[:2]),
            )
        ]
        try:
            replies = await self._look_up_all(calls)
        except _LibraryMissing:
            await self.load()
            replies = await self._look_up_all(calls)
        rows = zip(polls, replies[::2], replies[1::2], strict=True)
        return tuple(
            [(_poll(fields), _tally(poll, tally)) for poll, fields, tally in rows if fields]
        )

    async def move(self, poll: Poll, to: PollState, **times: float) -> Poll:
        """Moves ``poll`` from its state to ``to`` and sets ``times``; the poll as it then stands.

        Where another process moved it first, nothing changes and the result's state tells.
        """
        if to is PollState.OPEN:
            await self._command("SADD", "polls:open", poll.id)
        fields = [part for name, value in times.items() for part in (name, repr(value))]
        flat = await self._function("move", _keys(poll.id)[:1], poll.state, to, *fields)
        if not flat:
            raise UnknownPoll(poll.id)
        moved = _poll(dict(zip(flat[::2], flat[1::2], strict=True)))
        if moved.state is not PollState.OPEN:
            await self._command("SREM", "polls:open", poll.id)
        return moved

    async def cast(self, batches: Sequence[Batch], now: float) -> list[Counted | PollingError]:
        """Casts one batch for each ``{poll:shard}``, each atomically, all in one round trip.

        ``now`` (Unix seconds) is held against each poll's ``closes_at``. A batch that failed has
        its error in the list: UnknownPoll, LedgerBroken or StoreDown.

        Within a batch the ballots are shuffled with the system's randomness and the voters
        sorted, so what reaches the disk tells nothing of who cast what.
        """
        orders = [_shuffled(len(votes)) for _, _, votes in batches]
        calls = [
            (_keys(poll, shard), _pack(votes, order, now))
            for (poll, shard, votes), order in zip(batches, orders, strict=True)
        ]
        replies = await self._pipeline(calls)
        return [
            _counted(poll, order, reply)
            for (poll, _, _), order, reply in zip(batches, orders, replies, strict=True)
        ]

    async def tally(self, poll: str) -> Tally:
        """The tally as it stands. Raises UnknownPoll."""
        if not is_poll_id(poll):
            raise UnknownPoll(poll)
        return _tally(poll, await self._query("tally", _keys(poll)[:2]))

    async def sums(self, poll: str) -> Sums:
        """Tally and lengths of one moment. Raises UnknownPoll."""
        if not is_poll_id(poll):
            raise UnknownPoll(poll)
        reply = await self._query("sums", _keys(poll))
        return Sums(_tally(poll, reply[:3]), *reply[3:])

    async def ledger(self, poll: str, upto: int) -> AsyncIterator[Entry]:
        """The ledger from its start to position ``upto``, or to its end where that is sooner."""
        ballots, ledger = _keys(poll)[3:]
        start, last = "-", f"{upto}-{2**64 - 1}"
        while page := await self._look_up("XRANGE", ledger, start, last, "COUNT", _PAGE):
            ids = [fields[b"b"] for _, fields in page]
            receipts = await self._look_up("HMGET", ballots, *ids)
            for (position, fields), receipt in zip(page, receipts, strict=True):
                seq, _, part = position.decode().partition("-")
                yield Entry(
                    int(seq),
                    int(part),
                    fields[b"b"],
                    fields[b"c"].decode(),
                    receipt.decode() if receipt is not None else None,
                )
            start = "(" + page[-1][0].decode()

    async def load(self) -> None:
        """Loads ``cast.lua``, in place of any earlier text under the same name."""
        await self._command("FUNCTION LOAD", "REPLACE", _LIBRARY)

    async def read(self, polls: Iterable[str]) -> tuple[Poll, ...]:
        """Those of ``polls`` that there are, in one round trip."""
        found = await self._look_up_all([("HGETALL", _keys(poll)[0]) for poll in polls])
        return tuple([_poll(fields) for fields in found if fields])

    async def _command(self, *parts: Any) -> Any:
        return await _ask(self._redis.execute_command(*parts))

    async def _look_up(self, *parts: Any) -> Any:
        return await _ask(self._reader.execute_command(*parts))

    async def _look_up_all(self, calls: Iterable[Sequence[Any]]) -> list[Any]:
        """The replies to ``calls``, in one round trip."""
        async with self._reader.pipeline(transaction=False) as pipeline:
            for call in calls:
                pipeline.execute_command(*call)
            replies: list[Any] = await _ask(pipeline.execute())
        return replies

    async def _function(self, name: str, keys: Sequence[str], *args: Any) -> Any:
        """One function that changes; loads the library first where the store has not got it."""
        return await self._loaded(self._command, name, keys, *args)

    async def _query(self, name: str, keys: Sequence[str]) -> Any:
        """As ``_function``, for one that only reads."""
        return await self._loaded(self._look_up, name, keys)

    async def _loaded(
        self, send: Callable[..., Awaitable[Any]], name: str, keys: Sequence[str], *args: Any
    ) -> Any:
        call = ("FCALL", f"polling_1_{name}", len(keys), *keys, *args)
        try:
            return await send(*call)
        except _LibraryMissing:
            await self.load()
            return await send(*call)

    async def _pipeline(self, calls: Sequence[tuple[Sequence[str], bytes]]) -> list[Any]:
        try:
            replies = await self._send(calls)
            if any(_is_missing(reply) for reply in replies):
                await self.load()
                replies = await self._send(calls)
        except StoreDown as error:
            return [error] * len(calls)
        return replies

    async def _send(self, calls: Sequence[tuple[Sequence[str], bytes]]) -> list[Any]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for keys, batch in calls:
                pipeline.execute_command("FCALL", "polling_1_cast", len(keys), *keys, batch)
            replies: list[Any] = await _ask(pipeline.execute(raise_on_error=False))
        return replies


class _LibraryMissing(StoreDown):
    """The function library is not there, as after FUNCTION FLUSH or on a new server."""


def _client(url: str) -> Redis:
    """A client over a pool of its own."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=16,
        timeout=_ANSWER_SECONDS,
        # The timeout is _ask's. With this one, redis awaits every send in asyncio.wait_for,
        # which in Python 3.11 can swallow a cancellation (python/cpython#86296).
        socket_timeout=None,
        socket_connect_timeout=2,
        # Once, for a connection that died while idle. Longer waits are the voter's to decide.
        retry=Retry(NoBackoff(), 1),
    )
    return Redis.from_pool(pool)


async def _ask(reply: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await reply
    except TimeoutError as error:
        raise StoreDown(f"no answer in {_ANSWER_SECONDS:.0f} s") from error
    except (redis_errors.RedisError, OSError) as error:
        if _is_missing(error):
            raise _LibraryMissing(str(error)) from error
        raise StoreDown(str(error)) from error


def _is_missing(reply: Any) -> bool:
    return isinstance(reply, redis_errors.ResponseError) and "Function not found" in str(reply)


def _keys(poll: str, shard: int = 0) -> list[str]:
    tag = f"{{{poll}:{shard}}}"
    return [f"{tag}:{name}" for name in ("poll", "counts", "voted", "ballots", "ledger")]


def _shuffled(count: int) -> list[int]:
    """0 to count - 1 in an order of the system's randomness."""
    noise = os.urandom(8 * count)
    return sorted(range(count), key=lambda place: noise[8 * place : 8 * place + 8])


def _pack(votes: Sequence[Vote], order: Sequence[int], now: float) -> bytes:
    """The batch as cast.lua takes it: ballots in ``order``, voters sorted by nullifier."""
    ballots = [votes[place] for place in order]
    nullifiers = sorted({vote.nullifier for vote in votes if vote.nullifier is not None})
    owner: dict[bytes | None, int] = {value: place for place, value in enumerate(nullifiers, 1)}
    owner[None] = 0
    columns = [
        now,
        nullifiers,
        [owner[vote.nullifier] for vote in ballots],
        [vote.ballot_id for vote in ballots],
        [vote.answer for vote in ballots],
        [vote.nonce for vote in ballots],
    ]
    # Lua's cmsgpack reads no bin type.
    packed: bytes = msgpack.packb(columns, use_bin_type=False)
    return packed


def _counted(poll: str, order: Sequence[int], reply: Any) -> Counted | PollingError:
    if isinstance(reply, PollingError):
        return reply
    if isinstance(reply, Exception):
        broken = str(reply).startswith("LEDGERBROKEN")
        return LedgerBroken(poll) if broken else StoreDown(str(reply))
    if not reply[0]:
        return UnknownPoll(poll)
    codes = [0] * len(order)
    for place, code in zip(order, reply[3], strict=True):
        codes[place] = code
    return Counted(_tally(poll, reply[:3]), reply[4], codes)


def _tally(poll: str, reply: Sequence[Any]) -> Tally:
    state, seq, flat = reply
    if not state:
        raise UnknownPoll(poll)
    counts: dict[str, int] = {}
    groups: dict[str, int] = {}
    for name, count in zip(flat[::2], flat[1::2], strict=True):
        (groups if name.startswith(b"@") else counts)[name.decode()] = int(count)
    return Tally(poll, PollState(state.decode()), seq, sum(counts.values()), counts, groups)


def _record(poll: Poll) -> dict[str, Any]:
    """What never changes in a poll's life."""
    fields = msgspec.to_builtins(poll)
    return {name: value for name, value in fields.items() if name not in _LIFE}


def _poll(fields: dict[bytes, bytes]) -> Poll:
    whole = msgspec.json.decode(fields[b"record"])
    whole["state"] = fields[b"state"].decode()
    for name in _LIFE[1:]:
        if (value := fields.get(name.encode())) is not None:
            whole[name] = float(value)
    return msgspec.convert(whole, Poll)
