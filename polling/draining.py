"""Ballots on their way out of the store: every shard's ledger is read and trimmed side by side.

Only the store is waited for here. What is read reaches the disk, in order, elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from polling.leases import Leases
from polling.ledger_files import Entry
from polling.model import Poll, Tally
from polling.rules import PollState

AT_ONCE: Final = 8
"""Shards of one poll that are asked at a time: a poll of many must not take every connection."""
_PAGE: Final = 5_000

T = TypeVar("T")


class Ledgers(Protocol):
    """The part of ``polling.store.PollStore`` that a sequencer reads."""

    async def standing(self, poll: str, shards: int) -> tuple[PollState, int]:
        """The state and the ballots counted over all shards; finished: no more are."""

    async def tally(self, poll: str) -> Tally:
        """The tally over all shards; a finished one is final."""

    async def ledger_page(self, poll: str, shard: int, after: int, count: int) -> Sequence[Entry]:
        """Entries past position ``after`` in order, about ``count``; none at the ledger's end."""

    async def trim(self, poll: str, shard: int, upto: int) -> int:
        """Drops entries up to a position."""

    async def superseded(self, poll: str, shard: int) -> Collection[int]:
        """Positions whose ballots a later one took the place of."""


class Draining:
    """One poll's shards. Every method raises NotCounted where the store does not answer."""

    def __init__(self, poll: Poll, ledgers: Ledgers, leases: Leases) -> None:
        self._poll = poll
        self._ledgers = ledgers
        self._leases = leases
        self._trimmed: dict[int, int] = {}

    async def read(self, cursors: Mapping[int, int], most: int) -> dict[int, Sequence[Entry]]:
        """By shard, what its ledger has past its cursor and no failover takes back.

        About ``most`` entries in all, the same share of them for each shard; shards without any
        are left out.
        """
        shards = range(self._poll.shards)
        share = -(-most // len(shards))
        found = await side_by_side(
            lambda shard: self._read_one(shard, cursors.get(shard, 0), share), shards
        )
        return {shard: entries for shard, entries in zip(shards, found, strict=True) if entries}

    async def superseded(self, cursors: Mapping[int, int]) -> dict[int, Collection[int]]:
        """Positions of ballots that do not stand, by shard of ``cursors``.

        None at all where the first one counts.
        """
        if self._poll.rules.revote != "last":
            return {}
        found = await side_by_side(
            lambda shard: self._ledgers.superseded(self._poll.id, shard), cursors
        )
        return dict(zip(cursors, found, strict=True))

    async def trim(self, cursors: Mapping[int, int]) -> None:
        """Drops from the store what is in the log."""

        async def trim(shard: int) -> None:
            await self._ledgers.trim(self._poll.id, shard, cursors[shard])
            self._trimmed[shard] = cursors[shard]

        await side_by_side(
            trim, [shard for shard, seq in cursors.items() if self._trimmed.get(shard, 0) < seq]
        )

    async def _read_one(self, shard: int, after: int, most: int) -> Sequence[Entry]:
        poll, found = self._poll.id, list[Entry]()
        while len(found) < most:
            count = min(_PAGE, most)
            page = await self._ledgers.ledger_page(poll, shard, after, count)
            found += page
            if len(page) < count:
                break
            after = page[-1].seq
        if not found:
            return found
        last = found[-1]
        await self._leases.settle(poll, shard, last.seq)
        # A failover in between may have given the last positions to other ballots.
        again = await self._ledgers.ledger_page(poll, shard, last.seq - 1, 1)
        same = bool(again) and again[0].seq == last.seq and again[0].ballot_id == last.ballot_id
        return found if same else []


async def side_by_side(
    call: Callable[[int], Awaitable[T]], places: Iterable[int], at_once: int = AT_ONCE
) -> list[T]:
    """``call`` for each place, ``at_once`` at a time; the results in the places' order.

    The first error ends the others and is raised.
    """
    room = asyncio.Semaphore(at_once)

    async def one(place: int) -> T:
        async with room:
            return await call(place)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(place)) for place in places]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
