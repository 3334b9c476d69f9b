"""What goes to the screens: each poll's newest tally, with its approved words and questions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import structlog

from polling import qa, words
from polling.errors import PollingError
from polling.model import Poll, Tally
from polling.pushes import Pushes
from polling.questions import Kind
from polling.rules import PollState
from polling.store import PollStore
from polling.store_answers import AnswerStore
from polling.store_qa import QaStore

log = structlog.get_logger()

_DRESSED: Final = 256
"""Polls whose words and items are kept; those past it are read again."""

_Words = dict[str, list[tuple[str, int]]]
_Items = Sequence[dict[str, Any]]


class Screens:
    """Publishes tallies through ``Pushes``. Its owner runs ``run()`` and ends it by cancelling.

    A batch tells its shard's tally alone, so a poll of several shards is read again, at the pace
    of its publications.
    """

    def __init__(
        self,
        store: PollStore,
        answers: AnswerStore,
        items: QaStore,
        send: Callable[[Tally], None],
        rate: Callable[[], float],
        amend: Callable[[Tally], None] = lambda tally: None,
    ) -> None:
        self._store = store
        self._answers = answers
        self._items = items
        self._rate = rate
        self._pushes = Pushes(send, rate, amend)
        self._dressed: dict[str, tuple[_Words | None, _Items | None]] = {}
        self._behind: dict[str, Poll] = {}
        self._wake = asyncio.Event()

    def counted(self, poll: Poll, tally: Tally) -> None:
        """A batch was counted; ``tally`` is that of its shard."""
        if tally.state is not PollState.OPEN:
            # The last one is read by whoever closes the poll, and once: retries go on after it.
            return
        if poll.shards > 1 or (poll.holds_text and poll.id not in self._dressed):
            self._behind[poll.id] = poll
            self._wake.set()
            return
        self._pushes.offer(self._with_kept(tally))

    async def show(self, poll: Poll) -> None:
        """Reads the poll's tally, words and questions, and publishes them where they are news."""
        self._pushes.offer(await self.dress(poll, await self._store.tally(poll.id)))

    async def dress(self, poll: Poll, tally: Tally) -> Tally:
        """``tally`` with the words of approved answers and the questions of viewers."""
        if not poll.holds_text and not poll.is_qa:
            return tally
        cloud = await self._cloud(poll) if poll.holds_text else None
        items = qa.public(await self._items.items(poll.id)) if poll.is_qa else None
        self._dressed.pop(poll.id, None)
        self._dressed[poll.id] = (cloud, items)
        if len(self._dressed) > _DRESSED:
            del self._dressed[next(iter(self._dressed))]
        return self._with_kept(tally)

    async def run(self) -> None:
        """Publishes polls of several shards until cancelled, which loses a publication at most."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            behind, self._behind = self._behind, {}
            for poll in behind.values():
                try:
                    await self.show(poll)
                except PollingError as error:
                    log.warning("a tally could not be read", poll=poll.id, why=str(error))
            await asyncio.sleep(1 / self._rate())

    def close(self) -> None:
        """Sends what waits."""
        self._pushes.close()

    def _with_kept(self, tally: Tally) -> Tally:
        kept = self._dressed.get(tally.poll)
        if kept is None:
            return tally
        return msgspec.structs.replace(tally, words=kept[0], items=kept[1])

    async def _cloud(self, poll: Poll) -> _Words:
        approved = await self._answers.approved(poll.id)
        return {
            question.id: words.cloud(one.text for one in approved if one.question == question.id)
            for question in poll.questions
            if question.kind is Kind.TEXT
        }
