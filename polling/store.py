"""Polls on Valkey 7+ or Redis 7+, on one server or a Cluster.

Every change is one call of a function in ``cast.lua``; its head lists the keys. Beside them stand
indexes that hold ids only: ``polls`` and ``polls:STREAM`` (sorted by creation) and ``polls:open``,
of the polls that wait to open, are open, or are not closed on every shard yet.
An index is written before the poll it names, so a crash leaves at most a name without a poll.

A poll's shard 0 holds its record and decides its state. A poll opens there first; its other
shards follow, and one that a vote finds unopened is opened then. It closes there first too, and
its tally is final once every shard is closed: ``complete`` sees to that, as often as it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from polling import store_wire as wire
from polling.deadlines import DeadlineMove
from polling.errors import PollingError, StoreDown, UnknownPoll
from polling.model import Poll, Tally
from polling.rules import FINISHED, PollState, is_poll_id
from polling.store_cluster import ClusterServer, without_cluster
from polling.store_digests import new_salt
from polling.store_ledgers import LedgerStore, call_of
from polling.store_single import Server, SingleServer
from polling.store_wire import (
    CLOSED,
    CONFLICT,
    NO_KEY,
    STALE,
    UNKNOWN_CHOICE,
    VOTED,
    Batch,
    Counted,
    Entry,
    Sums,
    Vote,
    shard_of,
)

__all__ = [
    "CLOSED",
    "CONFLICT",
    "NO_KEY",
    "STALE",
    "UNKNOWN_CHOICE",
    "VOTED",
    "Batch",
    "Counted",
    "Entry",
    "PollStore",
    "Sums",
    "Vote",
    "shard_of",
]

_AWAKE = (PollState.SCHEDULED, PollState.OPEN)
# What stands of a poll's written answers and questions in answers.lua and qa.lua.
_WRITTEN = "held approved rejected asked items standing upvotes upvoters"


class PollStore(LedgerStore):
    """Reads and changes polls. Every method raises StoreDown where the store does not answer,
    or where a Cluster could not put a change on two disks in time.
    """

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self._rewrite_due = False

    @classmethod
    def at(cls, url: str, *, cluster: bool = False) -> PollStore:
        """A store at ``redis://``, ``rediss://`` or ``unix://``, over connections of its own.

        ``cluster``, or ``?cluster=1`` in the URL: it is one node of a Cluster.
        """
        url, wanted = without_cluster(url)
        return cls(ClusterServer(url) if cluster or wanted else SingleServer.at(url))

    # A poll's life.

    async def create(self, poll: Poll) -> bool:
        """Puts a draft in the store; False where its id is taken.

        One for late answers is in no list: it is found through the poll that it is of.
        """
        for index in () if poll.late_of else ("polls", f"polls:{poll.stream}"):
            await self.server.change(("ZADD", index, poll.created_at, poll.id))
        keys = wire.keys_of("poll counts", poll.id)
        # In a field of its own and not in the record: whoever has a Poll may show all of it.
        fields = (*_defined(poll), new_salt())
        return bool(await self._function("create", keys, *fields, *poll.counters))

    async def edit(self, poll: Poll, *, when_open: bool = True) -> bool:
        """Replaces the poll by ``poll``, whose version is one higher.

        False, and nothing changes, where another version stands, a vote is counted, or the poll
        is over, or open though not ``when_open``; several shards are fixed once they are open.
        """
        keys = wire.keys_of("poll counts", poll.id)
        open_too = "1" if when_open and poll.shards == 1 else "0"
        return bool(await self._function("edit", keys, *_defined(poll), open_too, *poll.counters))

    async def move(self, poll: Poll, to: PollState, **times: float) -> Poll:
        """Moves ``poll`` from its state to ``to`` and sets ``times``; the poll as it then stands.

        Where another process moved it first, nothing changes and the result's state tells. If
        this fails half-way the poll has moved, and ``complete`` does the rest.
        """
        if to in _AWAKE:
            await self.server.change(("SADD", "polls:open", poll.id))
        return await self._moved(poll, "move", poll.state, to, *_fields(times))

    async def close_unmoved(self, poll: Poll, closed_at: float) -> Poll:
        """Closes an open poll unless its deadline was moved since ``poll`` was read; the poll as it
        then stands, as ``move`` gives it.
        """
        standing = wire.deadlines(poll.deadlines)
        times = _fields({"closed_at": closed_at})
        return await self._moved(poll, "move_open", standing, PollState.CLOSED, *times)

    async def move_deadline(self, poll: Poll, move: DeadlineMove, **times: float) -> Poll:
        """Moves an open poll's deadline, unless it was moved since ``poll`` was read: then the
        result has other ``deadlines`` than those of ``poll`` and ``move``.
        """
        standing = wire.deadlines(poll.deadlines)
        moves = wire.deadlines((*poll.deadlines, move))
        fields: list[bytes | str] = ["deadlines", moves, *_fields(times)]
        return await self._moved(poll, "move_open", standing, PollState.OPEN, *fields)

    async def _moved(self, poll: Poll, function: str, *args: bytes | str) -> Poll:
        flat = await self._function(function, wire.keys_of("poll", poll.id), *args)
        if not flat:
            raise UnknownPoll(poll.id)
        moved = wire.poll_from(dict(zip(flat[::2], flat[1::2], strict=True)))
        await self.complete(moved)
        return moved

    async def complete(self, poll: Poll) -> None:
        """Brings every shard to where shard 0 of ``poll`` is. To do so again changes nothing, and
        nor does it to do so with a ``poll`` that was read before a move which the shards know.

        Of a finished poll it deletes the links from voters to ballots, gives up the order in which
        voters and what they wrote came, and asks for append-only files without it: see ``tidy``.
        Call it before the poll's key is destroyed.
        """
        if poll.state is PollState.OPEN:
            await self._functions([_following(poll, shard) for shard in range(1, poll.shards)])
        if poll.state in FINISHED:
            await self._functions(
                [
                    call_of("seal", wire.keys_of("poll links voted", poll.id, shard))
                    for shard in range(poll.shards)
                ]
            )
            if poll.is_qa or poll.holds_text:
                await self._function("unorder", wire.keys_of(_WRITTEN, poll.id))
            self._rewrite_due = True
            await self.tidy()
        if poll.state not in _AWAKE:
            await self.server.change(("SREM", "polls:open", poll.id))

    async def tidy(self) -> None:
        """Asks for new append-only files where a poll has closed since they were last begun.

        A file that was begun earlier, or a store that doesn't allow it, leaves it to be done.
        """
        if self._rewrite_due:
            self._rewrite_due = not await self.server.rewrite()

    # Reading polls.

    async def get(self, poll: str) -> Poll:
        """The poll as it stands. Raises UnknownPoll."""
        if is_poll_id(poll):
            fields = await self.server.look_up(_record_of(poll))
            if fields:
                return wire.poll_from(fields)
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
        newest, *rest = await self.server.look_up_all(calls)
        names = [*newest, *(sorted(rest[0]) if rest else ())]
        # Each id once, in its first place.
        return list(dict.fromkeys(name.decode() for name in names))

    async def running(self) -> tuple[Poll, ...]:
        """Every poll in the index of open ones; one that crashed while moving may not be open."""
        names = await self.server.look_up(("SMEMBERS", "polls:open"))
        return await self.read(sorted(name.decode() for name in names))

    async def read(self, polls: Iterable[str]) -> tuple[Poll, ...]:
        """Those of ``polls`` that there are, in one round trip."""
        found = await self.server.look_up_all([_record_of(poll) for poll in polls])
        return tuple([wire.poll_from(fields) for fields in found if fields])

    async def with_tallies(self, polls: Sequence[str]) -> tuple[tuple[Poll, Tally], ...]:
        """Those of ``polls`` that there are, each with its tally, in one or two round trips.

        A tally is never older than its poll's state: a closed poll's is the final one.
        """
        replies = await self._query(
            [call for poll in polls for call in (_record_of(poll), _tally_call(poll, 0))]
        )
        rows = [
            (wire.poll_from(fields), reply)
            for fields, reply in zip(replies[::2], replies[1::2], strict=True)
            if fields
        ]
        others = iter(
            await self._query(
                [_tally_call(poll.id, shard) for poll, _ in rows for shard in range(1, poll.shards)]
            )
        )
        return tuple(
            [
                (poll, _merged(poll.id, [first, *(next(others) for _ in range(1, poll.shards))]))
                for poll, first in rows
            ]
        )

    async def tally(self, poll: str) -> Tally:
        """The tally over all shards as it stands. Raises UnknownPoll."""
        if is_poll_id(poll):
            for _, tally in await self.with_tallies([poll]):
                return tally
        raise UnknownPoll(poll)

    # Votes.

    async def cast(self, batches: Sequence[Batch], now: float) -> list[Counted | PollingError]:
        """Casts one batch for each ``{poll:shard}``, each atomically, all in one round trip.

        ``now`` (Unix seconds) is held against each poll's ``closes_at``. A batch that failed has
        its error in the list: UnknownPoll, LedgerBroken, StoreDown or another NotCounted.

        Within a batch the ballots are shuffled with the system's randomness and the voters
        sorted, so what reaches the disk tells nothing of who cast what.
        """
        try:
            salts = await self._salts.of([poll for poll, _, _ in batches])
        except StoreDown as error:
            return [error] * len(batches)
        known = [batch for batch in batches if batch[0] in salts]
        results = iter(await self._cast_known(known, salts, now) if known else ())
        return [next(results) if poll in salts else UnknownPoll(poll) for poll, _, _ in batches]

    async def _cast_known(
        self, batches: Sequence[Batch], salts: Mapping[str, bytes], now: float
    ) -> list[Counted | PollingError]:
        orders = [wire.shuffled(len(votes)) for _, _, votes in batches]
        touch = ("1",) if self.server.needs_a_write else ()
        calls = [
            call_of(
                "cast",
                wire.shard_keys(poll, shard),
                wire.pack(votes, order, now, salts[poll]),
                *touch,
            )
            for (poll, shard, votes), order in zip(batches, orders, strict=True)
        ]
        replies = await self._send(calls)
        await self._cast_unopened(batches, calls, replies)
        return [
            wire.counted(poll, order, reply)
            for (poll, _, _), order, reply in zip(batches, orders, replies, strict=True)
        ]

    async def _cast_unopened(
        self, batches: Sequence[Batch], calls: Sequence[Sequence[Any]], replies: list[Any]
    ) -> None:
        """Opens shards that an interrupted opening left, and casts there once more."""
        for place, (poll, shard, _) in enumerate(batches):
            reply = replies[place]
            if shard == 0 or isinstance(reply, Exception) or reply[0]:
                continue
            try:
                await self.complete(await self.get(poll))
            except PollingError as error:
                replies[place] = error
            else:
                (replies[place],) = await self._send([calls[place]])


def _record_of(poll: str) -> tuple[str, str]:
    return ("HGETALL", *wire.keys_of("poll", poll))  # type: ignore[return-value]


def _tally_call(poll: str, shard: int) -> tuple[Any, ...]:
    return call_of("tally", wire.keys_of("poll counts groups", poll, shard))


def _fields(times: Mapping[str, float]) -> list[str]:
    return [part for name, value in times.items() for part in (name, repr(value))]


def _defined(poll: Poll) -> tuple[bytes | str | int, ...]:
    return wire.record(poll), poll.rules.revote, poll.version


def _following(poll: Poll, shard: int) -> tuple[Any, ...]:
    closes_at = "" if poll.closes_at is None else repr(poll.closes_at)
    keys = wire.keys_of("poll counts", poll.id, shard)
    fixed = (poll.rules.revote, poll.version, closes_at, len(poll.deadlines))
    return call_of("follow", keys, *fixed, *poll.counters)


def _merged(poll: str, replies: Sequence[Any]) -> Tally:
    first, *others = replies
    return wire.merged(
        poll, [wire.tally(poll, reply) for reply in (first, *(one for one in others if one[0]))]
    )
