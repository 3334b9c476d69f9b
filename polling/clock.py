"""The clock of polls: what opens, closes or is finished by itself, and what other processes did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from polling.errors import StoreDown, UnknownPoll
from polling.known_polls import KnownPolls
from polling.model import Poll
from polling.moves import Moves
from polling.poll_keys import PollKeys
from polling.rules import FINISHED, PollState
from polling.screens import Screens
from polling.store import PollStore

log = structlog.get_logger()

# How often polls that another process opened or closed are looked for.
_LOOK_SECONDS = 1.0
_SOONEST_SECONDS = 0.02


class Clock:
    """Its owner runs ``run()`` in a task and ends it by cancelling, which loses nothing."""

    def __init__(
        self,
        store: PollStore,
        keys: PollKeys,
        known: KnownPolls,
        moves: Moves,
        screens: Screens,
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._keys = keys
        self._known = known
        self._moves = moves
        self._screens = screens
        self._now = now
        self._look = asyncio.Event()
        self._stale: set[str] = set()
        # By id, up to which move of its deadline all shards of an open poll were told from here.
        self._followed: dict[str, int] = {}

    def look(self, poll: str | None = None) -> None:
        """Something moved: what is due is asked anew. ``poll`` is to be read anew."""
        if poll is not None:
            self._stale.add(poll)
        self._look.set()

    async def run(self) -> None:
        """Opens and closes polls whose time has come and follows those that others move."""
        away = False
        while True:
            self._look.clear()
            try:
                await self.settle()
                away = False
            except StoreDown as error:
                if not away:
                    log.warning("polls wait for the store", why=error.reason)
                away = True
            except Exception:
                log.exception("polls could not be brought up to date")
            try:
                async with asyncio.timeout(self._until_due()):
                    await self._look.wait()
            except TimeoutError:
                continue

    async def settle(self) -> None:
        """Brings every poll that may be awake up to date; drops dead keys."""
        awake = {poll.id: poll for poll in await self._store.running()}
        unfinished = {poll.id for poll in awake.values() if poll.state in FINISHED}
        believed = {
            poll.id for poll in self._known if poll.state in (PollState.SCHEDULED, PollState.OPEN)
        }
        keyed = set(self._keys.polls())
        stale, self._stale = self._stale, set()
        for poll_id in (believed | stale | keyed) - awake.keys():
            try:
                awake[poll_id] = await self._store.get(poll_id)
            except UnknownPoll:
                # A key of a store that is not this one: not ours to destroy.
                continue
        for poll_id in self._followed.keys() - awake.keys():
            del self._followed[poll_id]
        for poll in awake.values():
            await self._settle(poll, poll.id in keyed | unfinished)
        await self._store.tidy()

    async def _settle(self, poll: Poll, unfinished: bool) -> None:
        now = self._now()
        if poll.state is PollState.SCHEDULED and now >= (poll.opens_at or 0.0):
            poll = await self._moves.open_on_time(poll)
        poll = await self._moves.bounded(poll)
        if poll.state is PollState.OPEN and poll.closes_at is not None and now >= poll.closes_at:
            poll = await self._moves.close_on_time(poll)
        known = self._known.get(poll.id)
        moved = known is None or known.state is not poll.state
        if poll.state is PollState.OPEN and poll.is_sharded:
            await self._follow(poll)
        if poll.state in FINISHED and (moved or unfinished):
            await self._moves.finish(poll)
        self._known.remember(poll)
        if poll.state is PollState.OPEN and (moved or poll.is_qa or poll.holds_text):
            # Another process may have opened it, or approved something.
            await self._screens.show(poll)

    async def _follow(self, poll: Poll) -> None:
        """Whoever opened it or moved its deadline may have died before every shard was told."""
        if len(poll.deadlines) > self._followed.get(poll.id, -1):
            await self._store.complete(poll)
            self._followed[poll.id] = len(poll.deadlines)

    def _until_due(self) -> float:
        now = self._now()
        due = [
            at - now
            for poll in self._known
            for state, at in (
                (PollState.SCHEDULED, poll.opens_at),
                (PollState.OPEN, poll.closes_at),
            )
            if poll.state is state and at is not None
        ]
        return max(_SOONEST_SECONDS, min([_LOOK_SECONDS, *due]))
