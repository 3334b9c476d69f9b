"""The sequencers of one process: a task for each poll, a few threads for all of them.

Each poll has its own turn, so one that waits for its store, or has millions of ballots to merge
or to open, keeps no other one from its checkpoint. What is bounded is what they share: threads,
and batches in memory. Work goes to the threads in short calls, first come first served.

Threads and not a process a poll: what one poll could hold up another with is waiting, for the disk
or the store, and that is done outside the interpreter's lock.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from polling.errors import LogForked, NotCounted, PollingError, UnknownPoll
from polling.leases import Leases
from polling.ledger_files import LedgerFiles
from polling.log_files import LogFiles
from polling.model import Poll
from polling.notes import NoteSigner
from polling.pacing import Pace
from polling.rules import UNOPENED, is_poll_id
from polling.sequencer import Sequencer, Standing
from polling.store import PollStore

log = structlog.get_logger()

LOOK_SECONDS = 1.0
"""The shortest wait between two looks at a poll; ``pacing`` makes it longer."""
THREADS = 4
"""Blocking calls at a time, and batches in memory."""
LOG, LEDGER = "log", "ledger"
"""Folders below ``home``."""

Identities = Callable[[], Awaitable[Mapping[str, int]]]


@dataclass(slots=True)
class Counters:
    """What happened since the start, for metrics."""

    steps: int = 0
    failed: int = 0
    forked: int = 0
    completed: int = 0
    leaves: int = 0


@dataclass(slots=True)
class _Followed:
    """A poll whose log goes on, and its task once ``run()`` has begun it."""

    sequencer: Sequencer
    pace: Pace
    look: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Sequencing:
    """Follows every opened poll until its log is complete. ``run()`` is its owner's task.

    ``home`` is where ``log/`` and ``ledger/`` lie. ``store`` is this object's own and is closed by
    ``stop()``. ``identities``: how many identities of each tier were issued.
    """

    def __init__(
        self,
        store: PollStore,
        home: Path,
        signer: NoteSigner,
        identities: Identities,
        *,
        look_seconds: float = LOOK_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._leases = Leases(store.server, secrets.token_hex(8))
        self._segments = LedgerFiles(home / LEDGER)
        self._logs = home / LOG
        self._signer = signer
        self._identities = identities
        self._look_seconds = look_seconds
        self._now = now
        self._threads = ThreadPoolExecutor(THREADS, "polls-log")
        self._turns = asyncio.Semaphore(THREADS)
        self._followed: dict[str, _Followed] = {}
        self._begin = asyncio.Event()
        self._troubles: dict[str, str] = {}
        self.counters = Counters()

    @property
    def followed(self) -> int:
        """Polls whose log is not complete."""
        return len(self._followed)

    @property
    def waiting(self) -> int:
        """Ballots that are counted and not in a log yet, of polls that this process sequences."""
        return sum(one.sequencer.waiting for one in self._followed.values())

    @property
    def oldest_seconds(self) -> float:
        """For how long the oldest of them has waited; 0: none does.

        Ballots of polls where the last one counts wait from the close on.
        """
        since = [one.sequencer.waits_since for one in self._followed.values()]
        return max((self._now() - moment for moment in since if moment is not None), default=0.0)

    def watch(self, poll: Poll) -> None:
        """Follows ``poll``, once it has opened; told of every change of it. Does not block."""
        if poll.opened_at is None or poll.state in UNOPENED or poll.is_qa:
            return
        followed = self._followed.get(poll.id)
        if followed is not None:
            # Rules are fixed at the opening, so its sequencer need not be told of more. A closed
            # poll may have shards that are about to close.
            followed.pace.begin_anew()
            followed.look.set()
        elif not (self._logs / poll.id / "close-statement").exists():
            self._followed[poll.id] = _Followed(self._sequencer(poll), Pace(self._look_seconds))
            self._begin.set()

    async def run(self) -> None:
        """Follows until cancelled. What is unfinished on this disk is taken up at once."""
        unfinished = await self._threaded(self._unfinished)
        async with asyncio.TaskGroup() as group:
            while True:
                self._begin.clear()
                unfinished = await self._take_up(unfinished)
                for poll, followed in self._followed.items():
                    if followed.task is None:
                        turn = self._follow(poll, followed)
                        followed.task = group.create_task(turn, name=f"log of {poll}")
                await self._wait(self._begin, self._look_seconds if unfinished else None)

    async def stop(self) -> None:
        """Lets the leases go and closes everything. ``run()`` has ended by now."""
        # 1. What a cancelled step had begun in a thread ends.
        await asyncio.to_thread(self._threads.shutdown)
        # 2. Another process may go on at once.
        for poll, followed in self._followed.items():
            try:
                await followed.sequencer.release()
            except NotCounted as error:
                log.warning("a lease runs out by itself", poll=poll, why=str(error))
        self._followed.clear()
        # 3. The connections close.
        await self._store.close()

    async def _follow(self, poll: str, followed: _Followed) -> None:
        """One poll's task: steps until its log is complete, or not to be touched any more."""
        sequencer = followed.sequencer
        while True:
            followed.look.clear()
            before = sequencer.leaves
            standing = await self._step(poll, sequencer)
            if standing is Standing.COMPLETE:
                await self._complete(poll, sequencer)
            if poll not in self._followed:
                return
            if standing is not Standing.BEHIND:
                merged = sequencer.leaves > before
                await self._wait(followed.look, self._until_next(followed, standing, merged))

    def _until_next(self, followed: _Followed, standing: Standing | None, merged: bool) -> float:
        """Seconds until the next step."""
        if standing is not Standing.FOLLOWING:
            # It failed, or whoever holds the lease may be gone.
            followed.pace.begin_anew()
            return self._look_seconds
        due_at = followed.sequencer.due_at
        due_in = None if due_at is None else due_at - self._now()
        return followed.pace.wait(merged=merged, due_in=due_in)

    async def _wait(self, event: asyncio.Event, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return

    async def _step(self, poll: str, sequencer: Sequencer) -> Standing | None:
        """Where the step left the log; None: it failed."""
        self.counters.steps += 1
        before = sequencer.leaves
        try:
            standing = await sequencer.step(self._now())
        except NotCounted as error:
            self._trouble(poll, "the log waits for the store", getattr(error, "reason", ""))
        except LogForked as error:
            self.counters.forked += 1
            del self._followed[poll]
            log.error("the log of a poll is left as it is", poll=poll, why=str(error))
        except (PollingError, OSError) as error:
            self._trouble(poll, "the log could not go on", str(error))
        except Exception:
            self.counters.failed += 1
            log.exception("the log could not go on", poll=poll)
        else:
            if self._troubles.pop(poll, None) is not None:
                log.info("the log goes on", poll=poll)
            return standing
        finally:
            self.counters.leaves += sequencer.leaves - before
        return None

    async def _complete(self, poll: str, sequencer: Sequencer) -> None:
        self.counters.completed += 1
        self._followed.pop(poll, None)
        try:
            await sequencer.release()
        except NotCounted:
            # It runs out by itself, and nobody wants it any more.
            return

    def _trouble(self, poll: str, what: str, why: str) -> None:
        """Logs a trouble once, until it is over."""
        self.counters.failed += 1
        if self._troubles.get(poll) != what:
            self._troubles[poll] = what
            log.warning(what, poll=poll, why=why)

    def _unfinished(self) -> list[str]:
        return [
            path.name
            for path in sorted(self._logs.glob("*"))
            if is_poll_id(path.name) and not (path / "close-statement").exists()
        ]

    async def _take_up(self, unfinished: list[str]) -> list[str]:
        """Follows what an earlier process left; the rest of the list where the store is away."""
        for place, poll in enumerate(unfinished):
            try:
                self.watch(await self._store.get(poll))
            except UnknownPoll:
                # A log of a store that is not this one.
                continue
            except NotCounted:
                return unfinished[place:]
        return []

    def _sequencer(self, poll: Poll) -> Sequencer:
        return Sequencer(
            poll,
            self._store,
            self._leases,
            self._segments,
            lambda: LogFiles.open(self._logs, poll.id, poll.rules.log),
            self._signer,
            self._identities,
            self._threaded,
            self._turns,
        )

    async def _threaded(self, call: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *args)
