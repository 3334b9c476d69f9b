"""Micro-batched casting: the votes of one tick become one atomic call per ``{poll:shard}``."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from polling import store
from polling.errors import (
    AlreadyVoted,
    BallotConflict,
    Busy,
    PollClosed,
    PollingError,
    PollKeyLost,
    StoreDown,
    UnknownChoice,
)
from polling.model import Ballot, Poll, Receipt, Tally
from polling.receipts import ReceiptSigner
from polling.rules import UNOPENED, PollState
from polling.store import Counted, PollStore, Vote

log = structlog.get_logger()

# One call's arguments pass Lua's stack, which holds 8,000 values; a batch needs two a vote.
BATCHES = range(1, 3_001)


# The receipt, a negative code of polling/store.py, or why the vote was not acknowledged. An error
# travels as a value because one of them answers a whole batch.
Outcome = Receipt | int | PollingError
Done = Callable[[Outcome], None]
_Waiting = tuple[Vote, Done]
# What waits for one shard of one poll.
_Taken = tuple[tuple[str, int], list[_Waiting]]


class Pace(Protocol):
    """How votes are gathered: streamd's ``[polls]`` section has this shape."""

    @property
    def tick_ms(self) -> int:
        """Milliseconds that the first vote of a batch waits for others."""

    @property
    def batch(self) -> int:
        """Votes in one call at most, 1 to 3,000."""

    @property
    def queue(self) -> int:
        """Votes that may wait at once; past it a vote is refused as Busy."""


@dataclass(slots=True)
class Counters:
    """What happened since the start, for metrics."""

    counted: int = 0
    repeated: int = 0
    refused: int = 0
    busy: int = 0
    failed: int = 0
    batches: int = 0


class Caster:
    """Gathers votes and casts them. Its owner runs ``run()`` in a task and ends it by ``drain()``.

    The queue is bounded over all polls by ``pace.queue``. When it is full a vote is refused with
    Busy and counted in ``counters.busy``.
    """

    def __init__(
        self,
        store: PollStore,
        pace: Pace,
        now: Callable[[], float],
        on_counted: Callable[[Tally], None],
        signer: ReceiptSigner | None = None,
    ) -> None:
        if pace.batch not in BATCHES:
            raise ValueError(f"polls batch is {pace.batch}: choose 1 to 3,000.")
        self._store = store
        self._pace = pace
        self._now = now
        self._on_counted = on_counted
        self._signer = signer
        self._waiting: dict[tuple[str, int], deque[_Waiting]] = {}
        self._wake = asyncio.Event()
        self._draining = False
        self.waiting = 0
        self.counters = Counters()

    def put(self, poll: str, vote: Vote, shard: int = 0) -> asyncio.Future[Outcome]:
        """Like ``enqueue``; the future's result is the vote's Outcome."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def done(outcome: Outcome) -> None:
            if not future.done():
                future.set_result(outcome)

        self.enqueue(poll, vote, shard, done)
        return future

    def enqueue(self, poll: str, vote: Vote, shard: int, done: Done) -> None:
        """Queues a vote for one shard of ``poll``. ``done`` is called once, on the event loop, with
        its Outcome; what it raises is logged and touches no other vote.

        Raises Busy at once when the queue is full and StoreDown after ``drain()``.
        """
        if self._draining:
            raise StoreDown("stopping")
        if self.waiting >= self._pace.queue:
            self.counters.busy += 1
            raise Busy(self.waiting)
        place = (poll, shard)
        queue = self._waiting.get(place)
        if queue is None:
            queue = self._waiting[place] = deque()
        queue.append((vote, done))
        self.waiting += 1
        self._wake.set()

    async def run(self) -> None:
        """Casts until drained. If it is cancelled, the votes still waiting get StoreDown."""
        try:
            while not (self._draining and not self.waiting):
                await self._wake.wait()
                if not self._full and not self._draining:
                    await asyncio.sleep(self._pace.tick_ms / 1000)
                self._wake.clear()
                await self._cast(self._take())
                if self.waiting or self._draining:
                    self._wake.set()
        finally:
            self._draining = True
            for queue in self._waiting.values():
                _fail(queue, StoreDown("stopping"))
            self._waiting.clear()
            self.waiting = 0

    def drain(self) -> None:
        """Takes no more votes; ``run()`` ends once those that wait are cast."""
        self._draining = True
        self._wake.set()

    @property
    def _full(self) -> bool:
        return any(len(queue) >= self._pace.batch for queue in self._waiting.values())

    def _take(self) -> list[_Taken]:
        taken = []
        for place, queue in list(self._waiting.items()):
            if len(queue) <= self._pace.batch:
                taken.append((place, list(queue)))
                del self._waiting[place]
            else:
                taken.append((place, [queue.popleft() for _ in range(self._pace.batch)]))
        self.waiting -= sum(len(entries) for _, entries in taken)
        return taken

    async def _cast(self, taken: list[_Taken]) -> None:
        if not taken:
            return
        batches = [(*place, [vote for vote, _ in entries]) for place, entries in taken]
        try:
            results = await self._store.cast(batches, self._now())
            for (place, entries), result in zip(taken, results, strict=True):
                self._answer(place, entries, result)
        except Exception as error:
            log.exception("a batch of votes failed")
            self._give_up(taken, error)
        except BaseException as error:
            self._give_up(taken, error)
            raise

    def _answer(
        self, place: tuple[str, int], entries: list[_Waiting], result: Counted | PollingError
    ) -> None:
        self.counters.batches += 1
        if isinstance(result, Counted):
            self._settle(place, entries, result)
            return
        self.counters.failed += len(entries)
        why = getattr(result, "reason", "") or str(result)
        log.warning("votes not acknowledged", poll=place[0], votes=len(entries), why=why)
        _fail(entries, result)

    def _give_up(self, taken: list[_Taken], error: BaseException) -> None:
        for _, entries in taken:
            self.counters.failed += len(entries)
            _fail(entries, StoreDown(repr(error)))

    def _settle(self, place: tuple[str, int], entries: list[_Waiting], result: Counted) -> None:
        positions = sum(code > 0 for code in result.codes)
        outcomes = self._receipts(place, entries, result.codes, positions)
        for (_, done), outcome in zip(entries, outcomes, strict=True):
            try:
                done(outcome)
            except Exception:
                log.exception("a vote's answer failed")
        self.counters.counted += result.fresh
        self.counters.repeated += positions - result.fresh
        self.counters.refused += len(entries) - positions
        self._on_counted(result.tally)

    def _receipts(
        self, place: tuple[str, int], entries: list[_Waiting], codes: list[int], positions: int
    ) -> Sequence[Outcome]:
        """The codes, positions as receipts."""
        poll, shard = place
        ballots = [vote.ballot_id.hex() for vote, _ in entries]
        if self._signer is None or not positions:
            return [
                Receipt(poll, ballot, shard, code) if code > 0 else code
                for ballot, code in zip(ballots, codes, strict=True)
            ]
        origin = self._signer.origin(poll)
        counted = [pair for pair in zip(ballots, codes, strict=True) if pair[1] > 0]
        signatures = iter(self._signer.sign(poll, shard, counted))
        return [
            Receipt(poll, ballot, shard, code, origin, next(signatures)) if code > 0 else code
            for ballot, code in zip(ballots, codes, strict=True)
        ]


def _fail(entries: Iterable[_Waiting], error: PollingError) -> None:
    for _, done in entries:
        try:
            done(error)
        except Exception:
            log.exception("a vote's answer failed")


def refused(ballot: Ballot, outcome: Outcome, known: Poll | None) -> PollingError:
    """Why a ballot ended with ``outcome``, which is no receipt and not STALE; ``known``: its poll
    as it is remembered.
    """
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
    early = known is not None and known.state in UNOPENED
    return PollClosed(poll, known.state if known is not None and early else PollState.CLOSED)
