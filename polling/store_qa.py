"""Questions from viewers in the store; the head of ``qa.lua`` lists the keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from polling import qa
from polling.errors import PollClosed, TooManyAsked, UnknownItem, UnknownPoll
from polling.qa import Item, ItemState
from polling.store_single import Server
from polling.store_wire import keys_of

_SCRIPT: Final = (Path(__file__).parent / "qa.lua").read_text(encoding="utf-8")
_KEYS: Final = "poll asked items standing upvotes upvoters"
# What qa.lua answers in place of a count.
_CLOSED, _FULL, _UNKNOWN, _UNKNOWN_POLL = -1, -2, -3, -4


class QaStore:
    """Items by poll. Every method raises StoreDown where the store does not answer."""

    def __init__(self, server: Server, now: Callable[[], float] = time.time) -> None:
        """``now``: Unix seconds; past a poll's ``closes_at`` nothing is taken."""
        self._server = server
        self._now = now

    async def ask(self, poll: str, nullifier: bytes, item: str, text: str) -> None:
        """Holds a question until it is approved; the same ``item`` again changes nothing.

        Raises UnknownPoll, PollClosed or TooManyAsked.
        """
        most = (qa.ASKED_AT_MOST, qa.ITEMS_AT_MOST)
        reply = await self._call(poll, "ask", self._now(), nullifier, item, text, *most)
        _check(poll, item, reply)

    async def upvote(self, poll: str, nullifier: bytes, item: str) -> int:
        """How many voted for ``item``, this voter once among them.

        Raises UnknownPoll, PollClosed or UnknownItem.
        """
        return _check(poll, item, await self._call(poll, "upvote", self._now(), nullifier, item))

    async def judge(self, poll: str, item: str, was: ItemState, to: ItemState) -> bool:
        """Moves ``item`` from ``was``; False where it stands elsewhere by now."""
        return bool(await self._call(poll, "judge", item, was.value, to.value))

    async def items(self, poll: str) -> tuple[Item, ...]:
        """Every item of ``poll``, by id."""
        calls = [("HGETALL", key) for key in keys_of("items standing upvotes", poll)]
        texts, standing, upvotes = await self._server.look_up_all(calls)
        return tuple(
            Item(
                name.decode(),
                text.decode(),
                # A question that was put between these reads is held.
                ItemState(standing.get(name, b"held").decode()),
                int(upvotes.get(name, 0)),
            )
            for name, text in sorted(texts.items())
        )

    async def _call(self, poll: str, verb: str, *args: Any) -> int:
        keys = keys_of(_KEYS, poll)
        call = ("EVAL", _SCRIPT, len(keys), *keys, verb, *args)
        return int(await self._server.change(call))


def _check(poll: str, item: str, reply: int) -> int:
    if reply == _UNKNOWN_POLL:
        raise UnknownPoll(poll)
    if reply == _CLOSED:
        raise PollClosed(poll, "closed")
    if reply == _FULL:
        raise TooManyAsked(poll)
    if reply == _UNKNOWN:
        raise UnknownItem(poll, item)
    return reply
