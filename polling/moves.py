"""A poll's moves through its life, each made once, whichever process makes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from polling import rules
from polling.deadlines import DeadlineMove, can_close_by_move, check_moves
from polling.drafting import edited
from polling.errors import IllegalMove, PollLocked
from polling.known_polls import KnownPolls
from polling.late import LATE_SECONDS, LatePolls
from polling.model import Poll
from polling.poll_keys import PollKeys
from polling.poll_rules import PollRules
from polling.questions import Asked
from polling.rules import FINISHED, UNOPENED, PollState
from polling.screens import Screens
from polling.stage import GRACE_SECONDS, Moment, Stage, closing, moving, nowhere, opening
from polling.store import PollStore

_ATTEMPTS = 3


class Moves:
    """Edits, schedules, opens, closes, shows and archives. ``moved`` is called after each.

    While a poll's stream is live (``stage``) it is seen to open, close and be shown at a picture:
    ``at``, seconds of media time, or as soon as may be.

    Every method raises UnknownPoll; IllegalMove where the poll's state forbids it or another
    process made the move first; and StoreDown.
    """

    def __init__(
        self,
        store: PollStore,
        keys: PollKeys,
        known: KnownPolls,
        screens: Screens,
        now: Callable[[], float],
        moved: Callable[[], None],
        stage: Stage = nowhere,
        grace: float = GRACE_SECONDS,
        late: float = LATE_SECONDS,
    ) -> None:
        self._store = store
        self._keys = keys
        self._known = known
        self._screens = screens
        self._now = now
        self._moved = moved
        self._stage = stage
        self._grace = grace
        self._late = LatePolls(store, keys, known, now, self.finish, late)
        self.bounded = self._late.bounded

    async def edit(
        self,
        poll: str,
        asked: Sequence[Asked] | None = None,
        wanted: PollRules | None = None,
    ) -> Poll:
        """Other questions or rules, as long as nobody has voted; the rules only until it opens.

        Raises InvalidPoll, PollLocked.
        """
        for _ in range(_ATTEMPTS):
            found = await self._store.get(poll)
            if found.late_of:
                raise PollLocked(poll)
            changed = edited(found, asked, wanted)
            reruled = changed.rules != found.rules
            if found.state in FINISHED or (found.state not in UNOPENED and reruled):
                raise PollLocked(poll)
            # Someone may open it meanwhile, and rules are fixed by that.
            if await self._store.edit(changed, when_open=not reruled):
                stands = self._known.remember(await self._store.get(poll))
                await self._screens.show(stands)
                return stands
            if (await self._store.get(poll)).version == found.version:
                break
        raise PollLocked(poll)

    async def schedule(self, poll: str, opens_at: float) -> Poll:
        """The poll opens by itself at ``opens_at`` (Unix s); again: at another time.

        Raises InvalidPoll.
        """
        found = await self._store.get(poll)
        state = rules.after(poll, found.state, "schedule")
        opens_at = rules.check_opens_at(opens_at, self._now())
        scheduled = await self._store.move(found, state, opens_at=opens_at)
        self._tell(scheduled, "schedule", scheduled.opens_at == opens_at)
        return scheduled

    async def open(self, poll: str, at: float | None = None) -> Poll:
        """Opens it for votes, which are taken from now on; with a duration it closes by itself."""
        found = await self._store.get(poll)
        opened, won = await self._open(found, self._now(), at)
        self._tell(opened, "open", won)
        return opened

    async def open_on_time(self, poll: Poll) -> Poll:
        """Opens a scheduled poll whose time has come; no error where another process did."""
        return (await self._open(poll, self._now()))[0]

    async def close(self, poll: str, at: float | None = None) -> Poll:
        """Ends the voting and destroys the poll's key; on a live stream once every viewer's picture
        is past the moment, so that it is still open when this returns. Where its deadline was
        moved too often for one move more it closes at once there too.
        """
        found = await self._store.get(poll)
        state = rules.after(poll, found.state, "close")
        if (seen := self._seen(found, at)) is not None:
            times = closing(found, seen, self._grace)
            if times is None:
                return found
            if can_close_by_move(found.deadlines):
                return await self._move_deadline(found, times, "close")
        closed_at = self._now()
        closed = await self._store.move(found, state, closed_at=closed_at)
        await self.finish(closed)
        self._tell(closed, "close", closed.closed_at == closed_at)
        return closed

    async def close_on_time(self, poll: Poll) -> Poll:
        """Closes an open poll as of its ``closes_at``; no error where another process did."""
        return await self._store.close_unmoved(poll, poll.closes_at or 0.0)

    async def move_deadline(self, poll: str, closes_at: float) -> Poll:
        """Moves the close of an open poll to ``closes_at``, later or sooner, on the clock of its
        broadcast where it is on one. To do so again changes nothing; each move is kept.

        Raises InvalidPoll, DeadlinePassed, DeadlineSpent.
        """
        found = await self._store.get(poll)
        if found.state is not PollState.OPEN:
            raise IllegalMove(poll, found.state, "extend")
        if closes_at == (found.closes_at if found.cue_close is None else found.cue_close):
            return found
        check_moves(found.id, found.deadlines)
        seen = self._seen(found, None)
        times = moving(found, closes_at, seen, self._now(), self._grace)
        return await self._move_deadline(found, times, "extend")

    async def _move_deadline(self, found: Poll, times: dict[str, float], move: str) -> Poll:
        was = found.closes_at if found.cue_close is None else found.cue_close
        to = times.get("cue_close", times["closes_at"])
        step = DeadlineMove(self._now(), was, to)
        moved = await self._store.move_deadline(found, step, **times)
        self._tell(moved, move, moved.deadlines == (*found.deadlines, step))
        return moved

    async def show(self, poll: str, at: float | None = None) -> Poll:
        """Puts the results on the screens.

        Nobody sees counts by it that the rules hide, nor a quiz's right answers before the close.
        """
        found = await self._store.get(poll)
        if found.state in UNOPENED or found.opened_at is None:
            raise IllegalMove(poll, found.state, "show")
        times = {"shown_at": self._now()}
        if (seen := self._seen(found, at)) is not None:
            times |= {"cue_show": seen.at, "cue_lag": seen.lag}
        shown = await self._store.move(found, found.state, **times)
        self._known.remember(shown)
        return shown

    async def archive(self, poll: str) -> Poll:
        """Puts a closed poll away, its late answers with it, or withdraws one that never opened."""
        found = await self._store.get(poll)
        state = rules.after(poll, found.state, "archive")
        await self._late.end(found)
        archived = await self._store.move(found, state)
        self._tell(archived, "archive", archived.state is PollState.ARCHIVED)
        return archived

    async def finish(self, poll: Poll) -> None:
        """What follows closing, in whichever process sees it: every shard closed, late answers
        taken where the rules say so, no key, the last tally. To do so again changes nothing.
        """
        await self._store.complete(poll)
        # Before the key goes: a poll that has one is known to be unfinished.
        await self._late.begin(poll)
        await asyncio.to_thread(self._keys.destroy, poll.id)
        await self._screens.show(poll)

    async def _open(self, found: Poll, now: float, at: float | None = None) -> tuple[Poll, bool]:
        state = rules.after(found.id, found.state, "open")
        # The key first: a poll must never be open without one.
        await asyncio.to_thread(self._keys.create, found.id)
        seen = self._seen(found, at)
        times = opening(found.duration_seconds, seen, now, self._grace)
        opened = await self._store.move(found, state, **times)
        if opened.state in FINISHED:
            await asyncio.to_thread(self._keys.destroy, found.id)
        return opened, opened.state is PollState.OPEN and opened.opened_at == now

    def _seen(self, poll: Poll, at: float | None) -> Moment | None:
        """The broadcast's moment; None where nothing is live, or the poll is not asked on air."""
        return None if poll.late_of else self._stage(poll.stream, at)

    def _tell(self, poll: Poll, move: str, won: bool) -> None:
        """After a move that was made here; raises IllegalMove where another process made it."""
        self._known.remember(poll)
        self._moved()
        if not won:
            raise IllegalMove(poll.id, poll.state, move)
