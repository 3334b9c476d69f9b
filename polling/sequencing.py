"""The sequencers of one process: which polls they follow, one task and one thread for all."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from polling.errors import LogForked, NotCounted, PollingError, UnknownPoll
from polling.leases import Leases
from polling.ledger_files import LedgerFiles
from polling.log_files import LogFiles
from polling.model import Poll
from polling.notes import NoteSigner
from polling.rules import UNOPENED, is_poll_id
from polling.sequencer import Sequencer, Standing
from polling.store import PollStore

log = structlog.get_logger()

LOOK_SECONDS = 1.0
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
        self._thread = ThreadPoolExecutor(1, "polls-log")
        self._followed: dict[str, Sequencer] = {}
        self._look = asyncio.Event()
        self._troubles: dict[str, str] = {}
        self.counters = Counters()

    def watch(self, poll: Poll) -> None:
        """Follows ``poll``, once it has opened; told of every change of it. Does not block."""
        if poll.opened_at is None or poll.state in UNOPENED or poll.is_qa:
            return
        # Rules are fixed at the opening, so the one who follows need not be told of more.
        if (
            poll.id not in self._followed
            and not (self._logs / poll.id / "close-statement").exists()
        ):
            self._followed[poll.id] = self._sequencer(poll)
        self._look.set()

    async def run(self) -> None:
        """Follows until cancelled. What is unfinished on this disk is taken up at once."""
        unfinished = await self._threaded(self._unfinished)
        while True:
            self._look.clear()
            unfinished = await self._take_up(unfinished)
            for poll, sequencer in list(self._followed.items()):
                await self._step(poll, sequencer)
            try:
                async with asyncio.timeout(self._look_seconds):
                    await self._look.wait()
            except TimeoutError:
                continue

    async def stop(self) -> None:
        """Lets the leases go and closes everything. ``run()`` has ended by now."""
        # 1. What a cancelled step had begun in the thread ends.
        await asyncio.to_thread(self._thread.shutdown)
        # 2. Another process may go on at once.
        for poll, sequencer in self._followed.items():
            try:
                await sequencer.release()
            except NotCounted as error:
                log.warning("a lease runs out by itself", poll=poll, why=str(error))
        self._followed.clear()
        # 3. The connections close.
        await self._store.close()

    async def _step(self, poll: str, sequencer: Sequencer) -> None:
        self.counters.steps += 1
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
            if standing is Standing.COMPLETE:
                await self._complete(poll, sequencer)

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
        )

    async def _threaded(self, call: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)
