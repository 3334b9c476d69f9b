"""One poll's sequencer: takes ballots from every shard's ledger into the poll's log.

A step is: hold the lease; read what each shard's ledger has past its cursor; put it on disk as
drain segments; append it to the log as one batch, sorted by leaf hash; move the published head in
the store, which the lease's token fences; publish the checkpoint; trim the store's ledger. A crash
anywhere leaves a step that the next one repeats or goes on from: the cursors are on disk in the
same line as the batch, and the store is trimmed last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from enum import Enum
from itertools import islice
from typing import Any

from polling import log
from polling.draining import Draining, Ledgers
from polling.leases import Lease, Leases
from polling.ledger_files import Entry, LedgerFiles
from polling.log import Checkpoint, CloseStatement, superseded_row
from polling.log_files import ClosePart, LogFiles
from polling.log_openings import Opened, openings
from polling.model import Poll, Tally
from polling.notes import NoteSigner
from polling.rules import FINISHED

ENOUGH = 20
"""Ballots that make a batch without waiting longer: a leaf is one of so many."""
WAIT_SECONDS = 8.0
"""How long fewer wait; with the work, a ballot is merged within ten."""
APART_SECONDS = 4.0
"""Batches of a busy poll are so far apart: fewer, larger ones."""
MOST = 50_000
"""About how many ballots one batch takes; the rest follows in the next, at once. It bounds the
memory of a batch, and how long other polls wait for the threads."""
_SLICE = 5_000

Threaded = Callable[..., Awaitable[Any]]
"""``await threaded(function, *args)`` runs a blocking call in one of the sequencers' threads."""


class Standing(Enum):
    """Where a step left the log."""

    STANDBY = "standby"
    """Another process holds the lease or writes these files."""
    FOLLOWING = "following"
    """The log goes on with the poll."""
    BEHIND = "behind"
    """The same, and more ballots wait than one batch takes: the next step is due at once."""
    COMPLETE = "complete"
    """Every ballot is in it and the close statement is published."""


class Sequencer:
    """The sequencer of one poll. ``step()`` is called every few seconds, by one task.

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
        turns: AbstractAsyncContextManager[Any] | None = None,
    ) -> None:
        """``turns`` is entered for each batch: how many of all polls are in memory at a time."""
        self._poll = poll
        self._ledgers = ledgers
        self._leases = leases
        self._draining = Draining(poll, ledgers, leases)
        self._segments = segments
        self._open_log = open_log
        self._signer = signer
        self._identities = identities
        self._threaded = threaded
        self._turns = turns or asyncio.Semaphore(1)
        self._origin = log.origin(signer.key.name, poll.id)
        self._files: LogFiles | None = None
        self._lease: Lease | None = None
        self._last_batch = float("-inf")
        self._looked: float | None = None
        self.waiting = 0
        """Ballots that were counted and not in the log yet, when they were last looked for."""
        self.waits_since: float | None = None
        """Since when the oldest of them may wait to be merged, on the clock of ``step``: it came
        after the look before it was seen."""
        self.leaves = 0
        """Leaves that this sequencer added to the log."""

    @property
    def due_at(self) -> float | None:
        """When the next batch is due, on the clock of ``step``; None: nothing waits for one."""
        if self.waits_since is None:
            return None
        latest = self.waits_since + WAIT_SECONDS
        if self.waiting >= MOST:
            return self.waits_since
        if self.waiting >= ENOUGH:
            return min(latest, max(self.waits_since, self._last_batch + APART_SECONDS))
        return latest

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
            return self._stand_by()
        if files.is_complete:
            return Standing.COMPLETE
        state, seq = await self._ledgers.standing(self._poll.id, self._poll.shards)
        finished = state in FINISHED
        self._look(files, seq, now, finished)
        merged = 0
        if self.due_at is not None and (finished or now >= self.due_at):
            async with self._turns:
                before = files.size
                batch = await self._merge(files)
            if batch is None:
                return self._stand_by()
            merged = batch
            self.leaves += files.size - before
            if merged:
                self._last_batch, self.waits_since = now, None
            self._look(files, seq, now, finished)
        await self._draining.trim(files.cursors)
        if self.waiting:
            return Standing.BEHIND if merged else Standing.FOLLOWING
        if finished:
            return await self._close(files)
        return Standing.FOLLOWING

    def _stand_by(self) -> Standing:
        self.let_go()
        # Whoever holds the lease tells what waits.
        self.waiting, self.waits_since, self._looked = 0, None, None
        return Standing.STANDBY

    def _look(self, files: LogFiles, seq: int, now: float, finished: bool) -> None:
        """Notes what waits, and since when."""
        self.waiting = max(0, seq - sum(files.cursors.values()))
        if not self.waiting:
            self.waits_since = None
        elif self.waits_since is None:
            self.waits_since = now if self._looked is None else self._looked
        self._looked = now

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

    async def _merge(self, files: LogFiles) -> int | None:
        """One batch into the log: how many ballots it took; None where the lease was lost."""
        ballots: list[tuple[str, str]] = []
        cursors: dict[int, int] = {}
        taken = 0
        found = await self._draining.read(files.cursors, MOST)
        # One segment after the other: after an error none is still being written by a thread.
        for shard, entries in found.items():
            ballots += await self._threaded(self._drain, shard, entries)
            cursors[shard] = entries[-1].seq
            taken += len(entries)
        if cursors:
            await self._threaded(files.append, ballots, cursors)
        return taken if await self._publish(files) else None

    def _drain(self, shard: int, entries: Sequence[Entry]) -> list[tuple[str, str]]:
        self._segments.write(self._poll.id, shard, entries)
        committed = self._poll.rules.log == "recount"
        return [
            (
                entry.ballot_id.hex(),
                log.commitment(entry.nonce, entry.answer) if committed else "",
            )
            for entry in entries
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

    async def _close(self, files: LogFiles) -> Standing:
        poll = self._poll
        tally = await self._ledgers.tally(poll.id)
        if tally.state not in FINISHED or tally.seq > sum(files.cursors.values()):
            # A failover in between took the close back.
            return Standing.FOLLOWING
        superseded = await self._draining.superseded(files.cursors)
        if sum(map(len, superseded.values())) != tally.seq - tally.total:
            return Standing.FOLLOWING
        if self._told and not await self._tell_leaves(files, superseded):
            return self._stand_by()
        counted = Tally(poll.id, tally.state, tally.seq, tally.total, tally.counts)
        statement = CloseStatement(
            poll.id,
            poll.rules.log,
            # Anybody can read it: counts that the rules hide are null.
            poll.shown_tally(counted),
            dict(await self._identities()),
            self._checkpoint(files),
            await self._threaded(files.superseded),
        )
        await self._threaded(files.finish, statement.signed(self._signer))
        return Standing.COMPLETE

    async def _tell_leaves(
        self, files: LogFiles, superseded: Mapping[int, Collection[int]]
    ) -> bool:
        """Puts openings and the superseded list on disk; False where the lease was lost.

        In slices, and the lease is renewed between them: however many there are, the other polls
        get at the threads, and nobody else takes this one over.
        """
        leaves = openings(files, self._segments, self._poll, superseded)
        first = True
        while await self._threaded(self._tell_some, files, leaves, first):
            first = False
            lease = await self._leases.take(self._poll.id)
            if lease is None or self._lease is None or lease.token != self._lease.token:
                return False
        for name in self._told:
            await self._threaded(files.show, name)
        return True

    @property
    def _told(self) -> list[ClosePart]:
        rules = self._poll.rules
        names: list[ClosePart] = ["openings.jsonl"] if rules.log == "recount" else []
        return [*names, "superseded"] if rules.revote == "last" else names

    def _tell_some(self, files: LogFiles, leaves: Iterator[Opened], first: bool) -> int:
        some = list(islice(leaves, _SLICE))
        gone = [superseded_row(leaf.index) for leaf in some if leaf.superseded]
        rows = {"openings.jsonl": [leaf.line.encode() for leaf in some], "superseded": gone}
        for name in self._told:
            files.add(name, rows[name], first=first)
        return len(some)

    def _checkpoint(self, files: LogFiles) -> Checkpoint:
        return Checkpoint(self._origin, files.size, files.root)
