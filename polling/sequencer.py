"""One poll's sequencer: takes ballots from every shard's ledger into the poll's log.

A step is: hold the lease; read what each shard's ledger has past its cursor; put it on disk as
drain segments; append it to the log as one batch, sorted by leaf hash; move the published head in
the store, which the lease's token fences; publish the checkpoint; trim the store's ledger. A crash
anywhere leaves a step that the next one repeats or goes on from: the cursors are on disk in the
same line as the batch, and the store is trimmed last.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Protocol, TypeVar

from polling import log
from polling.leases import Lease, Leases
from polling.ledger_files import Entry, LedgerFiles
from polling.log import Checkpoint, CloseStatement
from polling.log_files import LogFiles
from polling.model import Poll, Tally
from polling.notes import NoteSigner
from polling.rules import FINISHED

ENOUGH = 20
"""Ballots that make a batch without waiting longer: a leaf is one of so many."""
WAIT_SECONDS = 8.0
"""How long fewer wait; with a second to look and the work, a ballot is merged within ten."""
APART_SECONDS = 2.0
"""Batches of a busy poll are so far apart: fewer, larger ones."""
MOST = 200_000
"""About how many ballots one batch takes; the rest follows in the next."""
_PAGE = 5_000

T = TypeVar("T")
Threaded = Callable[..., Awaitable[Any]]
"""``await threaded(function, *args)`` runs a blocking call in the sequencer's thread."""


class Ledgers(Protocol):
    """The part of ``polling.store.PollStore`` that a sequencer reads."""

    async def tally(self, poll: str) -> Tally:
        """The tally over all shards; a finished one is final."""

    async def ledger_page(self, poll: str, shard: int, after: int, count: int) -> Sequence[Entry]:
        """Entries past position ``after`` in order, about ``count``; none at the ledger's end."""

    async def trim(self, poll: str, shard: int, upto: int) -> int:
        """Drops entries up to a position."""

    async def superseded(self, poll: str, shard: int) -> frozenset[int]:
        """Positions whose ballots a later one took the place of."""


class Standing(Enum):
    """Where a step left the log."""

    STANDBY = "standby"
    """Another process holds the lease or writes these files."""
    FOLLOWING = "following"
    """The log goes on with the poll."""
    COMPLETE = "complete"
    """Every ballot is in it and the close statement is published."""


class Sequencer:
    """The sequencer of one poll. ``step()`` is called about once a second, by one task.

    Every call may raise NotCounted where the store does not answer, LogForked where another log was
    published than the one on this disk, and OSError; after any of them the next step begins anew.
    """

    def __init__(
        self,
        poll: Poll,
        ledgers: Ledgers,
        leases: Leases,
        segments: LedgerFiles,
        open_log: Callable[[], LogFiles | None],
        signer: NoteSigner,
        identities: Callable[[], Awaitable[Mapping[str, int]]],
        threaded: Threaded,
    ) -> None:
        self._poll = poll
        self._ledgers = ledgers
        self._leases = leases
        self._segments = segments
        self._open_log = open_log
        self._signer = signer
        self._identities = identities
        self._threaded = threaded
        self._origin = log.origin(signer.key.name, poll.id)
        self._files: LogFiles | None = None
        self._lease: Lease | None = None
        self._trimmed: dict[int, int] = {}
        self._waits_since: float | None = None
        self._last_batch = float("-inf")

    async def step(self, now: float) -> Standing:
        """Brings the log on, where it is time to. ``now`` in seconds of any steady clock.

        A cancelled step loses nothing; call ``let_go`` once its thread has ended.
        """
        try:
            return await self._step(now)
        except Exception:
            # Not when cancelled: a call may still be running in the thread.
            self.let_go()
            raise

    async def release(self) -> None:
        """Lets another process take over at once. Raises NotCounted."""
        lease = self._lease
        self.let_go()
        if lease is not None:
            await self._leases.release(lease)

    def let_go(self) -> None:
        """Closes the files; the lease runs out by itself. The next step opens them again."""
        files, self._files, self._lease = self._files, None, None
        if files is not None:
            files.close()

    async def _step(self, now: float) -> Standing:
        files = await self._hold()
        if files is None:
            self.let_go()
            return Standing.STANDBY
        if files.is_complete:
            return Standing.COMPLETE
        tally = await self._ledgers.tally(self._poll.id)
        finished = tally.state in FINISHED
        waiting = tally.seq - sum(files.cursors.values())
        if waiting and self._is_due(now, waiting, finished):
            if not await self._merge(files):
                self.let_go()
                return Standing.STANDBY
            self._last_batch, self._waits_since = now, None
            waiting = tally.seq - sum(files.cursors.values())
        await self._trim(files)
        if finished and not waiting:
            await self._close(files, tally)
            return Standing.COMPLETE
        return Standing.FOLLOWING

    def _is_due(self, now: float, waiting: int, finished: bool) -> bool:
        if finished:
            return True
        if self._poll.rules.revote == "last":
            # Which ballots stand is known at the close.
            return False
        if self._waits_since is None:
            self._waits_since = now
        enough = waiting >= ENOUGH and now - self._last_batch >= APART_SECONDS
        return enough or now - self._waits_since >= WAIT_SECONDS

    async def _hold(self) -> LogFiles | None:
        """The files, while this sequencer holds the lease and they are what was published."""
        lease = await self._leases.take(self._poll.id)
        if lease is None:
            return None
        if self._files is None or self._lease is None or lease.token != self._lease.token:
            self.let_go()
            self._files = await self._threaded(self._open_log)
            if self._files is None:
                await self._leases.release(lease)
                return None
            self._files.check_goes_on_from(lease.size, lease.root)
            await self._threaded(
                self._segments.discard_after, self._poll.id, dict(self._files.cursors)
            )
            self._lease = lease
            # What a crash left between a batch and its publication.
            if not await self._publish(self._files):
                return None
        return self._files

    async def _merge(self, files: LogFiles) -> bool:
        """One batch into the log; False where the lease was lost meanwhile."""
        poll = self._poll
        ballots: list[tuple[str, str]] = []
        cursors: dict[int, int] = {}
        for shard in range(poll.shards):
            room = MOST - len(ballots)
            entries = await self._read(shard, files.cursors.get(shard, 0), room)
            if not entries:
                continue
            superseded: frozenset[int] = frozenset()
            if poll.rules.revote == "last":
                superseded = await self._ledgers.superseded(poll.id, shard)
            ballots += await self._threaded(self._drain, shard, entries, superseded)
            cursors[shard] = entries[-1].seq
            if len(ballots) >= MOST:
                break
        if cursors:
            await self._threaded(files.append, ballots, cursors)
        return await self._publish(files)

    async def _read(self, shard: int, after: int, most: int) -> list[Entry]:
        """What the shard's ledger has past ``after``, and what no failover takes back."""
        poll, found = self._poll.id, list[Entry]()
        while len(found) < most:
            page = await self._ledgers.ledger_page(poll, shard, after, min(_PAGE, most))
            if not page:
                break
            found += page
            after = page[-1].seq
        if not found:
            return found
        last = found[-1]
        await self._leases.settle(poll, shard, last.seq)
        # A failover in between may have given the last positions to other ballots.
        again = await self._ledgers.ledger_page(poll, shard, last.seq - 1, 1)
        same = bool(again) and again[0].seq == last.seq and again[0].ballot_id == last.ballot_id
        return found if same else []

    def _drain(
        self, shard: int, entries: Sequence[Entry], superseded: frozenset[int]
    ) -> list[tuple[str, str]]:
        self._segments.write(self._poll.id, shard, entries, superseded)
        committed = self._poll.rules.log == "recount"
        return [
            (
                entry.ballot_id.hex(),
                log.commitment(entry.nonce, entry.answer) if committed else "",
            )
            for entry in entries
            if entry.seq not in superseded
        ]

    async def _publish(self, files: LogFiles) -> bool:
        """Moves the head in the store, then shows the checkpoint; False where the lease is lost."""
        if self._lease is None:
            return False
        if (self._lease.size, self._lease.root) != (files.size, files.root):
            self._lease = await self._leases.advance(self._lease, files.size, files.root)
            if self._lease is None:
                return False
        checkpoint = self._checkpoint(files)
        await self._threaded(files.publish, checkpoint, checkpoint.signed(self._signer))
        return True

    async def _trim(self, files: LogFiles) -> None:
        for shard, seq in files.cursors.items():
            if self._trimmed.get(shard, 0) < seq:
                await self._ledgers.trim(self._poll.id, shard, seq)
                self._trimmed[shard] = seq

    async def _close(self, files: LogFiles, tally: Tally) -> None:
        poll = self._poll
        if poll.rules.log == "recount":
            await self._threaded(files.write_openings, openings(files, self._segments, poll))
        counted = Tally(poll.id, tally.state, tally.seq, tally.total, tally.counts)
        statement = CloseStatement(
            poll.id,
            poll.rules.log,
            # Anybody can read it: counts that the rules hide are null.
            poll.shown_tally(counted),
            dict(await self._identities()),
            self._checkpoint(files),
        )
        await self._threaded(files.finish, statement.signed(self._signer))

    def _checkpoint(self, files: LogFiles) -> Checkpoint:
        return Checkpoint(self._origin, files.size, files.root)


def openings(files: LogFiles, segments: LedgerFiles, poll: Poll) -> Iterator[str]:
    """The openings of every leaf, in the leaves' order: ``{"ballot_id", "nonce", "answer"}``."""
    drained = {shard: segments.read(poll.id, shard) for shard in segments.shards(poll.id)}
    for batch in files.batches:
        rows = []
        for shard, upto in batch.cursors.items():
            for entry in drained[shard]:
                if not entry.get("superseded"):
                    rows.append(_opening(poll.id, entry))
                if entry["seq"] >= upto:
                    break
        yield from (line for _, line in sorted(rows))


def _opening(poll: str, entry: Mapping[str, str]) -> tuple[bytes, str]:
    ballot_id, nonce, answer = entry["ballot_id"], entry["nonce"], entry["answer"]
    leaf = log.ballot_leaf(poll, ballot_id, log.commitment(bytes.fromhex(nonce), answer))
    opened = {"ballot_id": ballot_id, "nonce": nonce, "answer": answer}
    return leaf, json.dumps(opened, separators=(",", ":")) + "\n"
