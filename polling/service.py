"""The polls of one process: asking, opening, casting, closing on time, tallies, audit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from polling import rules, store
from polling.answers import admit
from polling.audit import Audit, audit
from polling.casting import Caster, Counters, Outcome, Pace
from polling.errors import (
    AlreadyVoted,
    BallotConflict,
    IllegalMove,
    InvalidPoll,
    NoIdentity,
    PollClosed,
    PollingError,
    PollKeyLost,
    StoreDown,
    UnknownChoice,
    UnknownPoll,
)
from polling.model import Ballot, Poll, Receipt, Tally, draft
from polling.poll_keys import PollKeys
from polling.pushes import Pushes
from polling.rules import FINISHED, Move, PollState
from polling.store import PollStore, Vote, shard_of

log = structlog.get_logger()

# Polls kept in memory for their choices; those past it are read again when someone votes.
_REMEMBERED = 1_024
# How often polls that another process opened or closed are looked for.
_LOOK_SECONDS = 1.0
# Of a stream's polls, how many of the newest are looked at for what to show.
_LOOKED_AT = 100


class Settings(Pace, Protocol):
    """streamd's ``[polls]`` section has this shape."""

    @property
    def pushes(self) -> int:
        """Tallies a second for one poll at most."""

    @property
    def pushes_crowded(self) -> int:
        """The same while ``crowded()``."""


class PollService:
    """Polls over ``PollStore``, with their keys in ``PollKeys``.

    ``on_tally`` gets each poll's newest tally, conflated to ``settings.pushes`` a second
    (``pushes_crowded`` while ``crowded()``); ``on_poll`` gets the poll at every state change, its
    draft included. Both run on the event loop and must not block.

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
        on_poll: Callable[[Poll], None] = lambda poll: None,
        crowded: Callable[[], bool] = lambda: False,
        now: Callable[[], float] = time.time,
    ) -> None:
        for name, rate in (
            ("pushes", settings.pushes),
            ("pushes_crowded", settings.pushes_crowded),
        ):
            if rate < 1:
                raise ValueError(f"polls {name} is {rate}: choose 1 a second or more.")
        self._store = polls
        self._keys = keys
        self._now = now
        self._on_poll = on_poll
        self._pushes = Pushes(
            on_tally, lambda: settings.pushes_crowded if crowded() else settings.pushes
        )
        self._caster = Caster(polls, settings, now, self._counted)
        self._polls: dict[str, Poll] = {}
        self._look = asyncio.Event()
        self._stale: set[str] = set()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    @property
    def counters(self) -> Counters:
        """Votes counted, repeated, refused, busy and failed since the start; batches."""
        return self._caster.counters

    @property
    def waiting(self) -> int:
        """Votes in the queue."""
        return self._caster.waiting

    async def start(self) -> None:
        """Starts casting and the closing clock. Polls whose time ran out meanwhile close now."""
        try:
            await self._settle_running()
        except StoreDown as error:
            log.warning("polls wait for the store", why=error.reason)
        self._tasks = (
            asyncio.create_task(self._caster.run(), name="polls: cast"),
            asyncio.create_task(self._watch(), name="polls: clock"),
        )

    async def stop(self) -> None:
        """Takes no more votes, answers those that wait, pushes the last tallies."""
        # 1. No vote after this one; the queue is cast or fails, and run() ends.
        self._caster.drain()
        if self._tasks:
            cast, watch = self._tasks
            await asyncio.wait([cast])
            # 2. The clock stops; an overdue poll closes at the next start.
            # Cancelled again and again: asyncio.wait_for in Python 3.11, which redis uses, can
            # swallow a cancellation (python/cpython#86296).
            while not watch.done():
                watch.cancel()
                await asyncio.wait([watch], timeout=0.05)
            self._tasks = ()
        # 3. The screens get the last state.
        self._pushes.close()
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
    ) -> Poll:
        """A new draft. Choice ids are "1", "2", … in the labels' order. Raises InvalidPoll."""
        for _ in range(3):
            poll = draft(
                stream,
                question,
                labels,
                asker,
                now=self._now(),
                duration_seconds=duration_seconds,
                simulated=simulated,
            )
            if await self._store.create(poll):
                self._remember(poll)
                return poll
        raise InvalidPoll("No free id was found. Try again.", "id")

    async def open(self, poll: str) -> Poll:
        """Opens a draft; with a duration it closes by itself. Raises UnknownPoll, IllegalMove."""
        found = await self._store.get(poll)
        state = rules.after(poll, found.state, "open")
        # The key first: a poll must never be open without one.
        await asyncio.to_thread(self._keys.create, poll)
        times = {"opened_at": self._now()}
        if found.duration_seconds is not None:
            times["closes_at"] = times["opened_at"] + found.duration_seconds
        opened = await self._store.move(found, state, **times)
        if opened.state in FINISHED:
            await asyncio.to_thread(self._keys.destroy, poll)
        self._moved(opened, "open", times["opened_at"] == opened.opened_at)
        return opened

    async def close(self, poll: str) -> Poll:
        """Closes an open poll and destroys its key. Raises UnknownPoll, IllegalMove."""
        found = await self._store.get(poll)
        state = rules.after(poll, found.state, "close")
        closed_at = self._now()
        closed = await self._store.move(found, state, closed_at=closed_at)
        await self._finish(closed)
        self._moved(closed, "close", closed.closed_at == closed_at)
        return closed

    async def archive(self, poll: str) -> Poll:
        """Archives a closed poll. Raises UnknownPoll, IllegalMove."""
        found = await self._store.get(poll)
        archived = await self._store.move(found, rules.after(poll, found.state, "archive"))
        self._remember(archived)
        return archived

    async def get(self, poll: str) -> Poll:
        """The poll as the store has it. Raises UnknownPoll."""
        return await self._store.get(poll)

    async def list(self, stream: str | None = None, limit: int = 100) -> tuple[Poll, ...]:
        """The newest ``limit`` polls of a stream, or of all, newest first."""
        return await self._store.newest(stream, limit)

    async def list_with_tallies(
        self, stream: str | None = None, limit: int = 100
    ) -> tuple[tuple[Poll, Tally], ...]:
        """As ``list``, each poll with its tally, in two round trips however many there are."""
        return await self._store.with_tallies(await self._store.newest_ids(stream, limit))

    async def shown(self, stream: str, limit: int = 3) -> tuple[tuple[Poll, Tally], ...]:
        """The ``limit`` polls of ``stream`` to show, each with its tally, in three round trips.

        Polls that have been opened: the open ones first, however old, then those opened last.
        Of the finished ones only those among the stream's 100 newest are found.
        """
        ids = await self._store.newest_ids(stream, _LOOKED_AT, running=True)
        found = await self._store.read(ids)
        ours = [one for one in found if one.stream == stream and one.opened_at is not None]
        ours.sort(key=_place_shown)
        # Not with the tallies of all: this is asked for at every change of a stream.
        return await self._store.with_tallies([one.id for one in ours[:limit]])

    async def tally(self, poll: str) -> Tally:
        """The tally as the store has it. Raises UnknownPoll."""
        return await self._store.tally(poll)

    async def cast(
        self, voter: str | None, ballot: Ballot, tier: str = "device", region: str = ""
    ) -> Receipt:
        """Counts one ballot; the receipt means that it is on disk.

        The same ballot_id with the same choices gives the same receipt, after closing too.
        Raises NoIdentity, UnknownPoll, InvalidBallot, UnknownChoice, PollClosed, AlreadyVoted or
        BallotConflict: not counted. Raises Busy or StoreDown: not acknowledged, send it again.
        A cancelled call may have been counted; sending it again tells.
        """
        if not voter:
            raise NoIdentity
        poll = self._polls.get(ballot.poll)
        if poll is None:
            poll = await self._learn(ballot.poll)
        answer = admit(poll, ballot, tier, region)
        nullifier = None
        if poll.state not in FINISHED:
            nullifier = self._keys.nullifier(poll.id, voter)
        vote = Vote(
            nullifier,
            rules.random_128(ballot.ballot_id, "ballot_id"),
            answer.text,
            rules.random_128(ballot.nonce, "nonce"),
            answer.deltas,
            poll.version,
        )
        shard = await self._shard(poll, vote)
        outcome = await self._caster.put(poll.id, vote, shard)
        if isinstance(outcome, int) and outcome > 0:
            return Receipt(poll.id, ballot.ballot_id, shard, outcome)
        raise self._refusal(ballot, outcome)

    async def audit(self, poll: str) -> Audit:
        """Recounts the ledger and compares: tally = ledger = voters = ballots."""
        return await audit(self._store, poll)

    async def _shard(self, poll: Poll, vote: Vote) -> int:
        """The shard of the vote's voter, or without the poll's key the one that has the ballot."""
        if poll.shards == 1:
            return 0
        if vote.nullifier is not None:
            return shard_of(vote.nullifier, poll.shards)
        return await self._store.find(poll, vote.ballot_id) or 0

    def _refusal(self, ballot: Ballot, outcome: Outcome) -> PollingError:
        poll = ballot.poll
        match outcome:
            case PollingError():
                return outcome.with_traceback(None)
            case store.CONFLICT:
                return BallotConflict(poll)
            case store.VOTED:
                return AlreadyVoted(poll)
            case store.UNKNOWN_CHOICE:
                return UnknownChoice(poll, ",".join(ballot.choices))
            case store.NO_KEY:
                return PollKeyLost(poll)
        known = self._polls.get(poll)
        early = known is not None and known.state in (PollState.DRAFT, PollState.SCHEDULED)
        return PollClosed(poll, known.state if known is not None and early else PollState.CLOSED)

    def _counted(self, tally: Tally) -> None:
        if tally.state is PollState.OPEN:
            # The last one is pushed by _finish, and once: retries go on after closing.
            self._pushes.offer(tally)
        known = self._polls.get(tally.poll)
        if known is not None and known.state is not tally.state:
            # Another process moved it: the clock task reads it anew.
            self._stale.add(tally.poll)
            self._look.set()

    async def _learn(self, poll: str) -> Poll:
        found = await self._store.get(poll)
        # Someone votes in an old poll: nothing changed that would have to be told.
        self._remember(found, tell=found.state is PollState.OPEN)
        return found

    def _remember(self, poll: Poll, *, tell: bool = True) -> None:
        known = self._polls.pop(poll.id, None)
        if known is not None and rules.is_before(poll.state, known.state):
            # Read before a move that has been told since.
            poll = known
        self._polls[poll.id] = poll
        if len(self._polls) > _REMEMBERED:
            # The clock task puts the open ones at the end again and again; these stay.
            oldest = next(iter(self._polls.values()))
            if oldest.state is not PollState.OPEN:
                del self._polls[oldest.id]
        if not tell or (known is not None and known.state is poll.state):
            return
        try:
            self._on_poll(poll)
        except Exception:
            log.exception("a poll's change could not be told", poll=poll.id)

    def _moved(self, poll: Poll, move: Move, won: bool) -> None:
        """Tells of a move made here; raises IllegalMove where another process made it first."""
        self._remember(poll)
        self._look.set()
        if not won:
            raise IllegalMove(poll.id, poll.state, move)

    async def _finish(self, poll: Poll) -> None:
        """What follows closing, in whichever process sees it: all shards closed, no key, the
        last tally.
        """
        await self._store.complete(poll)
        await asyncio.to_thread(self._keys.destroy, poll.id)
        self._pushes.offer(await self._store.tally(poll.id))

    async def _watch(self) -> None:
        """Closes polls whose time is over and follows those that other processes move."""
        away = False
        while True:
            self._look.clear()
            try:
                await self._settle_running()
                away = False
            except StoreDown as error:
                if not away:
                    log.warning("polls wait for the store", why=error.reason)
                away = True
            except Exception:
                log.exception("polls could not be brought up to date")
            try:
                async with asyncio.timeout(self._until_next_close()):
                    await self._look.wait()
            except TimeoutError:
                continue

    def _until_next_close(self) -> float:
        due = [
            poll.closes_at - self._now()
            for poll in self._polls.values()
            if poll.state is PollState.OPEN and poll.closes_at is not None
        ]
        return max(0.02, min([_LOOK_SECONDS, *due]))

    async def _settle_running(self) -> None:
        """Brings every poll that may be open up to date; closes the overdue; drops dead keys."""
        running = {poll.id: poll for poll in await self._store.running()}
        believed = {p.id for p in self._polls.values() if p.state is PollState.OPEN}
        keyed = self._keys.polls()
        stale, self._stale = self._stale, set()
        for poll_id in (believed | stale).union(keyed) - running.keys():
            try:
                running[poll_id] = await self._store.get(poll_id)
            except UnknownPoll:
                # A key of a store that is not this one: not ours to destroy.
                continue
        for poll in running.values():
            await self._settle(poll, poll.id in keyed)

    async def _settle(self, poll: Poll, keyed: bool) -> None:
        overdue = poll.closes_at is not None and self._now() >= poll.closes_at
        if poll.state is PollState.OPEN and overdue:
            poll = await self._store.move(poll, PollState.CLOSED, closed_at=poll.closes_at or 0.0)
        known = self._polls.get(poll.id)
        moved = known is None or known.state is not poll.state
        if poll.state in FINISHED and (moved or keyed):
            await self._finish(poll)
        self._remember(poll)


def _place_shown(poll: Poll) -> tuple[bool, float]:
    return poll.state is not PollState.OPEN, -(poll.opened_at or 0.0)
