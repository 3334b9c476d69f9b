"""Polls and tallies as they stand, read from the store, with what viewers wrote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from polling import rules
from polling.errors import UnknownPoll
from polling.late import late_id
from polling.model import Poll, Tally
from polling.rules import PollState
from polling.screens import Screens
from polling.store import PollStore
from polling.visibility import Audience

# Of a stream's polls, how many of the newest are looked at for what to show.
_LOOKED_AT = 100
# Polls for late answers that are left out of that without being read again.
_PASSED_OVER = 4_096


class PollReader:
    """Every method raises StoreDown where the store does not answer."""

    def __init__(self, store: PollStore, screens: Screens) -> None:
        self._store = store
        self._screens = screens
        self._late: dict[str, None] = {}

    async def get(self, poll: str) -> Poll:
        """The poll as the store has it. Raises UnknownPoll."""
        return await self._store.get(poll)

    async def list(self, stream: str | None = None, limit: int = 100) -> tuple[Poll, ...]:
        """The newest ``limit`` polls of a stream, or of all, newest first."""
        return await self._store.newest(stream, limit)

    async def list_with_tallies(
        self, stream: str | None = None, limit: int = 100
    ) -> tuple[tuple[Poll, Tally], ...]:
        """As ``list``, each poll with its tally, in a few round trips however many there are."""
        return await self.with_tallies(await self._store.newest_ids(stream, limit))

    async def list_within(
        self, shards: int, stream: str | None = None, limit: int = 100
    ) -> tuple[tuple[Poll, Tally | None], ...]:
        """As ``list``, for everybody, each poll with its tally as long as what is to be read of all
        of them, late answers too, lies on no more than ``shards`` shards; the others with None.
        """
        told = [one for one in await self.list(stream, limit) if one.is_visible(Audience.PUBLIC)]
        within = []
        for poll in told:
            shards -= (cost := poll.shards * (2 if poll.rules.late else 1))
            if shards < 0:
                shards += cost
            else:
                within.append(poll.id)
        found = {poll.id: (poll, tally) for poll, tally in await self.with_tallies(within)}
        return tuple([found.get(poll.id, (poll, None)) for poll in told])

    async def with_tallies(self, polls: Sequence[str]) -> tuple[tuple[Poll, Tally], ...]:
        """Those of ``polls``, by id, that there are, each with its tally, in a few round trips."""
        rows = await self._store.with_tallies(polls)
        return tuple([(poll, await self._screens.dress(poll, tally)) for poll, tally in rows])

    async def late_answers(self, *polls: str) -> tuple[tuple[Poll, Tally], ...]:
        """The polls that take the late answers of ``polls``, each with its tally."""
        found = await self.with_tallies([late_id(poll) for poll in polls]) if polls else ()
        return tuple([one for one in found if one[0].late_of])

    async def late(self, polls: Iterable[Poll]) -> dict[str, Tally]:
        """The tallies of the late answers of ``polls``, by the id of the poll that they are of."""
        ended = [poll.id for poll in polls if poll.rules.late and poll.is_over]
        found = await self.late_answers(*ended)
        return {one.late_of: tally for one, tally in found if one.is_visible(Audience.PUBLIC)}

    async def shown(self, stream: str, limit: int = 3) -> tuple[tuple[Poll, Tally], ...]:
        """The ``limit`` polls of ``stream`` to show, each with its tally, in a few round trips.

        Polls that have been opened: the open ones first, however old, then those opened last.
        Of the finished ones only those among the stream's 100 newest are found.
        """
        ids = await self._store.newest_ids(stream, _LOOKED_AT, running=True)
        found = await self._store.read([one for one in ids if one not in self._late])
        self._late |= {one.id: None for one in found if one.late_of}
        while len(self._late) > _PASSED_OVER:
            del self._late[next(iter(self._late))]
        ours = [one for one in found if one.stream == stream and _is_on_air(one)]
        ours.sort(key=_place_shown)
        # Not with the tallies of all: this is asked for at every change of a stream.
        return await self.with_tallies([one.id for one in ours[:limit]])

    async def tally(self, poll: str) -> Tally:
        """The tally as the store has it, with what viewers wrote. Raises UnknownPoll."""
        for _, tally in await self.with_tallies([poll] if rules.is_poll_id(poll) else []):
            return tally
        return await self._store.tally(poll)

    async def seen_tally(self, poll: str, ballot_id: str = "") -> dict[str, Any]:
        """The tally as everyone sees it, or, given the id of a ballot that is counted, as those
        who voted do. Raises UnknownPoll, InvalidBallot.
        """
        found = await self._store.get(poll)
        if not found.is_visible(Audience.PUBLIC):
            raise UnknownPoll(poll)
        audience = Audience.PUBLIC
        if ballot_id:
            bits = rules.random_128(ballot_id, "ballot_id")
            if await self._store.find(found, bits) is not None:
                audience = Audience.VOTED
        return found.shown_tally(await self.tally(poll), audience)


def _is_on_air(poll: Poll) -> bool:
    return poll.opened_at is not None and not poll.late_of


def _place_shown(poll: Poll) -> tuple[bool, float]:
    return poll.state is not PollState.OPEN, -(poll.opened_at or 0.0)
