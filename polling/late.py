"""Late answers: what viewers of a recording say after a poll, counted apart from what was said
while it was live.

A poll whose rules say ``late`` gets one poll of its own for them once it is closed, with the same
questions, another key, another log. It closes by the clock, or sooner when the first one is
archived, which archives both: its key, by which a voter is known, shall not live on for a trickle
of answers. A quiz takes none, as its right answers are told at its close. The first poll's key died
when it closed, so nobody can tell whether a late answer comes from someone who voted live: the two
tallies are never added up.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
import structlog

from polling.deadlines import DeadlineMove
from polling.errors import UnknownPoll
from polling.known_polls import KnownPolls
from polling.model import Poll
from polling.poll_keys import PollKeys
from polling.questions import Kind
from polling.rules import FINISHED, PollState
from polling.store import PollStore

log = structlog.get_logger()

LATE_SECONDS: Final = 30 * 86_400.0
"""How long late answers are taken."""


def late_id(poll: str) -> str:
    """The id of the poll that takes the late answers of ``poll``, whether there is one or not.

    It follows from the other, so that whoever makes it again makes the same one.
    """
    digest = hashlib.sha256(f"streamd late answers v1\n{poll}\n".encode()).digest()
    return base64.b32encode(digest[:10]).decode().lower()[:10]


def takes_late(poll: Poll) -> bool:
    """Whether late answers are taken to ``poll`` as it stands."""
    is_quiz = any(question.kind is Kind.QUIZ for question in poll.questions)
    return poll.rules.late and poll.state is PollState.CLOSED and not is_quiz


def late_poll(poll: Poll, now: float) -> Poll:
    """The draft that takes the late answers of ``poll``.

    Its results are told to those who answered where those of ``poll`` were told to all: who answers
    later shall not follow those who answered before.
    """
    results = "after_vote" if poll.rules.results == "live" else poll.rules.results
    return Poll(
        id=late_id(poll.id),
        stream=poll.stream,
        questions=poll.questions,
        asker=poll.asker,
        asked_by=poll.asked_by,
        created_at=now,
        rules=msgspec.structs.replace(
            poll.rules, results=results, duration_seconds=None, late=False
        ),
        simulated=poll.simulated,
        seed=poll.seed,
        late_of=poll.id,
    )


class LatePolls:
    """Begins and ends polls for late answers, each step once, whichever process takes it.

    ``finish`` does what follows closing: see ``Moves.finish``. Late answers are taken for
    ``seconds``. Every method raises StoreDown; then it is to be called again, and goes on where it
    was.
    """

    def __init__(
        self,
        store: PollStore,
        keys: PollKeys,
        known: KnownPolls,
        now: Callable[[], float],
        finish: Callable[[Poll], Awaitable[None]],
        seconds: float = LATE_SECONDS,
    ) -> None:
        self._store = store
        self._keys = keys
        self._known = known
        self._now = now
        self._finish = finish
        self._seconds = seconds

    async def begin(self, poll: Poll) -> None:
        """Opens the poll for late answers to ``poll``, where its rules want one and it is closed.

        Call it while the key of ``poll`` is there: a process that dies in between leaves the key,
        by which the next one knows that ``poll`` is not finished.
        """
        if not takes_late(poll):
            return
        late = await self._made(poll)
        if late is None or late.state is not PollState.DRAFT:
            return
        await asyncio.to_thread(self._keys.create, late.id)
        now = self._now()
        times = {"opened_at": now, "closes_at": now + self._seconds}
        opened = await self._store.move(late, PollState.OPEN, **times)
        if opened.state in FINISHED:
            await asyncio.to_thread(self._keys.destroy, late.id)
        self._known.remember(opened)

    async def end(self, poll: Poll) -> None:
        """Closes and archives the late answers of ``poll``, which is about to be archived itself.

        That order, so that none is left open for good; one that there is none of yet is made, so
        that nobody makes it afterwards.
        """
        if not poll.rules.late or poll.state is not PollState.CLOSED:
            return
        await self.begin(poll)
        late = await self._made(poll)
        if late is None:
            return
        if late.state is PollState.OPEN:
            late = await self._store.move(late, PollState.CLOSED, closed_at=self._now())
            await self._finish(late)
        if late.state in (PollState.DRAFT, PollState.CLOSED):
            late = await self._store.move(late, PollState.ARCHIVED)
        self._known.remember(late)

    async def bounded(self, poll: Poll) -> Poll:
        """``poll``, with a close where it is an open one for late answers that has none: such were
        opened before there was a bound. A close that has passed is now, for ballots were taken.
        """
        if not poll.late_of or poll.state is not PollState.OPEN or poll.closes_at is not None:
            return poll
        now = self._now()
        closes_at = max(now, (poll.opened_at or now) + self._seconds)
        step = DeadlineMove(now, None, closes_at)
        return await self._store.move_deadline(poll, step, closes_at=closes_at)

    async def _made(self, poll: Poll) -> Poll | None:
        """The poll for late answers, as it stands; None where another poll has its id."""
        draft = late_poll(poll, self._now())
        try:
            late = await self._store.get(draft.id)
        except UnknownPoll:
            await self._store.create(draft)
            late = await self._store.get(draft.id)
        if late.late_of != poll.id:
            log.error("a poll gets no late answers: their id is taken", poll=poll.id, id=late.id)
            return None
        return late
