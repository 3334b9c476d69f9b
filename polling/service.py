"""The polls of one process: asking, casting, reading; its parts started and stopped in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from polling import rules, store
from polling.answers import Answer, admit
from polling.asker import Asker
from polling.audit import Archive, Audit, audit
from polling.casting import Caster, Counters, Done, Outcome, Pace, refused
from polling.clock import Clock
from polling.drafting import draft_sheet
from polling.errors import (
    InvalidPoll,
    NoIdentity,
    PollChanged,
    PollingError,
    StoreDown,
)
from polling.known_polls import KnownPolls
from polling.late import LATE_SECONDS
from polling.model import Ballot, Poll, Receipt, Tally
from polling.moves import Moves
from polling.poll_keys import PollKeys
from polling.poll_rules import PollRules
from polling.questions import Asked
from polling.reader import PollReader
from polling.receipts import ReceiptSigner
from polling.rules import PollState
from polling.screens import Screens
from polling.stage import GRACE_SECONDS, Stage, nowhere
from polling.store import PollStore, Vote, shard_of
from polling.store_answers import AnswerStore
from polling.store_qa import QaStore
from polling.written import Written

log = structlog.get_logger()


class Settings(Pace, Protocol):
    """streamd's ``[polls]`` section has this shape."""

    @property
    def pushes(self) -> int:
        """Tallies a second for one poll at most."""

    @property
    def pushes_crowded(self) -> int:
        """The same while ``crowded()``."""


class PollService(PollReader):
    """Polls over ``PollStore``, with their keys in ``PollKeys``.

    ``moves`` edits, schedules, opens, closes, shows and archives; ``written`` has what viewers
    write. ``on_tally`` gets each poll's newest tally, whole: who may see what of it is in
    ``Poll.shown_tally``. It comes conflated to ``settings.pushes`` a second (``pushes_crowded``
    while ``crowded()``); ``on_waiting_tally`` gets meanwhile what waits for its turn. ``on_poll``
    gets the poll at every change, its draft included. All run on the event loop and must not block.
    ``signer`` signs receipts. ``stage`` and ``grace``: see ``polling.stage``.
    ``late``: for how many seconds late answers are taken.

    Several processes may serve the same store: a poll opens and closes once, whoever does it.
    The store may be away at the start and at any time later; what needs it raises StoreDown.
    Raises ValueError where ``settings`` ask for less than one push a second.
    """

    def __init__(
        self,
        polls: PollStore,
        keys: PollKeys,
        settings: Settings,
        *,
        on_tally: Callable[[Tally], None] = lambda tally: None,
        on_waiting_tally: Callable[[Tally], None] = lambda tally: None,
        on_poll: Callable[[Poll], None] = lambda poll: None,
        crowded: Callable[[], bool] = lambda: False,
        now: Callable[[], float] = time.time,
        signer: ReceiptSigner | None = None,
        stage: Stage = nowhere,
        grace: float = GRACE_SECONDS,
        late: float = LATE_SECONDS,
    ) -> None:
        for name, rate in (
            ("pushes", settings.pushes),
            ("pushes_crowded", settings.pushes_crowded),
        ):
            if rate < 1:
                raise ValueError(f"polls {name} is {rate}: choose 1 a second or more.")
        self._keys = keys
        self._now = now
        self._known = KnownPolls(on_poll)
        self._answers = AnswerStore(polls.server)
        items = QaStore(polls.server, now)
        screens = Screens(
            polls,
            self._answers,
            items,
            on_tally,
            lambda: settings.pushes_crowded if crowded() else settings.pushes,
            on_waiting_tally,
        )
        super().__init__(polls, screens)
        self.moves = Moves(polls, keys, self._known, screens, now, self._moved, stage, grace, late)
        self.written = Written(self._answers, items, keys, screens, self._learned)
        self._clock = Clock(polls, keys, self._known, self.moves, screens, now)
        self._caster = Caster(polls, settings, now, self._counted, signer)
        self.open = self.moves.open
        self.close = self.moves.close
        self.archive = self.moves.archive
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    @property
    def counters(self) -> Counters:
        """Votes counted, repeated, refused, busy and failed since the start; batches."""
        return self._caster.counters

    @property
    def changes(self) -> int:
        """How often ``on_poll`` was told: as long as it stands, no poll moved that is known of."""
        return self._known.changes

    @property
    def waiting(self) -> int:
        """Votes in the queue."""
        return self._caster.waiting

    async def start(self) -> None:
        """Starts casting and the clock. Polls whose time came meanwhile open and close now."""
        try:
            await self._clock.settle()
        except StoreDown as error:
            log.warning("polls wait for the store", why=error.reason)
        self._tasks = (
            asyncio.create_task(self._caster.run(), name="polls: cast"),
            asyncio.create_task(self._clock.run(), name="polls: clock"),
            asyncio.create_task(self._screens.run(), name="polls: screens"),
        )

    async def stop(self) -> None:
        """Takes no more votes, answers those that wait, pushes the last tallies."""
        # 1. No vote after this one; the queue is cast or fails, and run() ends.
        self._caster.drain()
        if self._tasks:
            cast, *others = self._tasks
            await asyncio.wait([cast])
            # 2. The clock stops; what is overdue is done at the next start.
            # Cancelled again and again: asyncio.wait_for in Python 3.11, which redis uses, can
            # swallow a cancellation (python/cpython#86296).
            while running := [task for task in others if not task.done()]:
                for task in running:
                    task.cancel()
                await asyncio.wait(running, timeout=0.05)
            self._tasks = ()
        # 3. The screens get the last state.
        self._screens.close()
        # 4. The connections close.
        await self._store.close()

    async def create(
        self,
        stream: str,
        question: str,
        labels: Sequence[str],
        asker: str,
        duration_seconds: int | None = None,
        *,
        simulated: bool = False,
        asked_by: Asker | None = None,
    ) -> Poll:
        """A new draft of one question with one answer. Raises InvalidPoll."""
        asked = [Asked(question, choices=rules.check_labels(labels))]
        wanted = PollRules(duration_seconds=duration_seconds)
        return await self.create_sheet(
            stream, asked, asker, wanted, simulated=simulated, asked_by=asked_by
        )

    async def create_sheet(
        self,
        stream: str,
        asked: Sequence[Asked],
        asker: str,
        wanted: PollRules | None = None,
        *,
        simulated: bool = False,
        asked_by: Asker | None = None,
    ) -> Poll:
        """A new draft. Choice ids are "1", "2", … in the labels' order. Raises InvalidPoll."""
        for _ in range(3):
            poll = draft_sheet(
                stream,
                asked,
                asker,
                wanted,
                now=self._now(),
                simulated=simulated,
                asked_by=asked_by,
            )
            if await self._store.create(poll):
                return self._known.remember(poll)
        raise InvalidPoll("No free id was found. Try again.", "id")

    def known(self, poll: str) -> Poll | None:
        """The poll as this process remembers it, at once; None where it does not."""
        return self._known.get(poll)

    async def cast(
        self, voter: str | None, ballot: Ballot, tier: str = "device", region: str = ""
    ) -> Receipt:
        """Counts one ballot; the receipt means that it is on disk.

        The same ballot_id with the same answer gives the same receipt, after closing too. Raises
        a VoteRefused, NoIdentity, UnknownPoll or InvalidBallot: not counted. Raises Busy or
        another NotCounted: not acknowledged, send it again. A cancelled call may have been
        counted; sending it again tells.
        """
        if not voter:
            raise NoIdentity
        poll = self._known.get(ballot.poll)
        if poll is None:
            poll = await self._learned(ballot.poll)
        answer = admit(poll, ballot, tier, region)
        vote = self._vote(poll, voter, ballot, answer)
        shard = await self._shard(poll, vote) if poll.is_sharded else 0
        outcome = await self._caster.put(poll.id, vote, shard)
        if outcome == store.STALE:
            # Edited by another process: what the ballot says now is asked anew.
            changed = await self._learned(ballot.poll, anew=True)
            if changed.version == poll.version:
                raise PollChanged(poll.id)
            return await self.cast(voter, ballot, tier, region)
        if not isinstance(outcome, Receipt):
            raise self._refused(ballot, outcome)
        if answer.written:
            await self._answers.hold(poll.id, ballot.ballot_id, answer.written)
        return outcome

    def begin(self, voter: str, ballot: Ballot, tier: str, region: str, done: Done) -> bool:
        """Like ``cast`` for the many votes that need to wait for nothing but their batch: no task.

        ``done`` is called later with the Receipt or with what ``refusal`` explains. False: nothing
        has happened, only ``cast`` can tell. Raises as ``cast``.
        """
        if not voter:
            raise NoIdentity
        poll = self._known.get(ballot.poll)
        if poll is None:
            return False
        answer = admit(poll, ballot, tier, region)
        vote = self._vote(poll, voter, ballot, answer)
        if answer.written or (poll.is_sharded and vote.nullifier is None):
            return False
        shard = 0
        if poll.is_sharded and vote.nullifier is not None:
            shard = shard_of(vote.nullifier, poll.shards)
        self._caster.enqueue(poll.id, vote, shard, done)
        return True

    def refusal(self, ballot: Ballot, outcome: Outcome) -> PollingError | None:
        """Why ``begin`` ended without a receipt; None: ask again by ``cast``, the poll changed."""
        return None if outcome == store.STALE else self._refused(ballot, outcome)

    async def audit(self, poll: str, archive: Archive | None = None) -> Audit:
        """Recounts the ledger and compares: tally = ledger = voters = ballots.

        ``archive`` has what was drained from the store.
        """
        return await audit(self._store, poll, archive)

    def _vote(self, poll: Poll, voter: str, ballot: Ballot, answer: Answer) -> Vote:
        ballot_id, nonce = rules.random_pair(ballot.ballot_id, ballot.nonce)
        nullifier = None if poll.is_over else self._keys.nullifier(poll.id, voter)
        return Vote(nullifier, ballot_id, answer.text, nonce, answer.deltas, poll.version)

    async def _shard(self, poll: Poll, vote: Vote) -> int:
        """The shard of the vote's voter, or without the poll's key the one that has the ballot."""
        if vote.nullifier is not None:
            return shard_of(vote.nullifier, poll.shards)
        return await self._store.find(poll, vote.ballot_id) or 0

    def _refused(self, ballot: Ballot, outcome: Outcome) -> PollingError:
        return refused(ballot, outcome, self._known.get(ballot.poll))

    def _counted(self, tally: Tally) -> None:
        known = self._known.get(tally.poll)
        if known is None or known.is_over:
            # The last tally of one that is over is read by whoever closes it.
            return
        self._screens.counted(known, tally)
        if known.state is not tally.state:
            # Another process moved it: the clock reads it anew.
            self._clock.look(tally.poll)

    def _moved(self) -> None:
        self._clock.look()

    async def _learned(self, poll: str, *, anew: bool = False) -> Poll:
        known = None if anew else self._known.get(poll)
        if known is None:
            known = await self._store.get(poll)
            # Someone votes in an old poll: nothing changed that would have to be told.
            known = self._known.remember(known, tell=known.state is PollState.OPEN)
        return known
