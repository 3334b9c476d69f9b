"""What viewers write: questions of their own, votes for them, open answers; and who approves it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from polling import poll_rules, rules
from polling.errors import (
    IllegalMove,
    InvalidBallot,
    NoIdentity,
    PollClosed,
    PollKeyLost,
    UnknownItem,
)
from polling.model import Poll
from polling.poll_keys import PollKeys
from polling.qa import ITEM_CHARACTERS, ITEM_MOVES, Item, ItemMove
from polling.questions import Kind
from polling.rules import PollState
from polling.screens import Screens
from polling.store_answers import AnswerState, AnswerStore, OpenAnswer, Verdict
from polling.store_qa import QaStore

_ATTEMPTS = 3


class Written:
    """Every method raises UnknownPoll, and StoreDown where the store does not answer."""

    def __init__(
        self,
        answers: AnswerStore,
        items: QaStore,
        keys: PollKeys,
        screens: Screens,
        known: Callable[[str], Awaitable[Poll]],
    ) -> None:
        """``known``: the poll of an id as this process knows it."""
        self._answers = answers
        self._items = items
        self._keys = keys
        self._screens = screens
        self._known = known

    async def ask(
        self, voter: str | None, poll: str, item: str, text: str, tier: str, region: str
    ) -> str:
        """Puts a question, which is held until approved; the text as it was taken.

        ``item`` is 128 random bits as hexadecimal characters, made by the client: sent again it is
        the same question. Raises NoIdentity, NotEligible, InvalidBallot, PollClosed, TooManyAsked.
        """
        rules.random_128(item, "id")
        text = rules.check_written(text, "text", ITEM_CHARACTERS)
        found, nullifier = await self._entitled(voter, poll, "", tier, region)
        await self._items.ask(found.id, nullifier, item, text)
        return text

    async def upvote(self, voter: str | None, poll: str, item: str, tier: str, region: str) -> int:
        """How many want ``item`` answered, this voter once among them.

        Raises NoIdentity, NotEligible, InvalidBallot, PollClosed, UnknownItem.
        """
        rules.random_128(item, "id")
        found, nullifier = await self._entitled(voter, poll, item, tier, region)
        upvotes = await self._items.upvote(found.id, nullifier, item)
        await self._screens.show(found)
        return upvotes

    async def items(self, poll: str) -> tuple[Item, ...]:
        """Every question of viewers, for their organiser."""
        return await self._items.items((await self._known(poll)).id)

    async def judge_item(self, poll: str, item: str, move: ItemMove) -> Item:
        """Approves, rejects, answers or hides a question. Raises UnknownItem, IllegalMove."""
        found = await self._known(poll)
        for _ in range(_ATTEMPTS):
            known = {one.id: one for one in await self._items.items(found.id)}
            one = known.get(item)
            if one is None:
                raise UnknownItem(poll, item)
            to = ITEM_MOVES[one.state].get(move)
            if to is None:
                raise IllegalMove(poll, one.state, move)
            if await self._items.judge(found.id, item, one.state, to):
                await self._screens.show(found)
                return Item(one.id, one.text, to, one.upvotes)
        # Others move it again and again.
        raise UnknownItem(poll, item)

    async def answers(
        self, poll: str, state: AnswerState, cursor: int = 0
    ) -> tuple[list[OpenAnswer], int, int]:
        """About a hundred open answers, the next cursor (0: the end), how many there are."""
        return await self._answers.page((await self._known(poll)).id, state, cursor)

    async def judge_answer(
        self, poll: str, ballot_id: str, question: str, verdict: Verdict
    ) -> None:
        """Approves an open answer for the word cloud, or rejects it. Raises UnknownItem."""
        found = await self._known(poll)
        texts = [one.id for one in found.questions if one.kind is Kind.TEXT]
        if not question and texts:
            question = texts[0]
        if question not in texts or not await self._answers.judge(
            found.id, ballot_id, question, verdict
        ):
            raise UnknownItem(poll, ballot_id)
        await self._screens.show(found)

    async def _entitled(
        self, voter: str | None, poll: str, item: str, tier: str, region: str
    ) -> tuple[Poll, bytes]:
        """The poll, and the nullifier of ``voter`` in it, or of ``voter`` for one ``item``."""
        if not voter:
            raise NoIdentity
        found = await self._known(poll)
        if not found.is_qa:
            raise InvalidBallot("This poll takes votes, not questions.", "poll")
        poll_rules.check_eligible(poll, found.rules, tier, region)
        nullifier = self._keys.nullifier(poll, f"{voter}|{item}" if item else voter)
        if nullifier is None:
            if found.state is PollState.OPEN:
                raise PollKeyLost(poll)
            raise PollClosed(poll, found.state)
        return found, nullifier
