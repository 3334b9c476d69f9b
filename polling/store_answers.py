"""Open answers in the store, held until approved; the head of ``answers.lua`` lists the keys.

They are put here after their ballot is counted and before its voter has the receipt: a voter who
has a receipt has an answer that the organiser can see, and a retry puts it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from polling.store_single import Server
from polling.store_wire import keys_of

_SCRIPT: Final = (Path(__file__).parent / "answers.lua").read_text(encoding="utf-8")
_KEYS: Final = "held approved rejected poll"
PAGE: Final = 100


class AnswerState(StrEnum):
    """Where an open answer stands; the order is that of answers.lua's keys."""

    HELD = "held"
    APPROVED = "approved"
    REJECTED = "rejected"


Verdict = Literal["approve", "reject"]
VERDICTS: Mapping[Verdict, AnswerState] = {
    "approve": AnswerState.APPROVED,
    "reject": AnswerState.REJECTED,
}


class OpenAnswer(msgspec.Struct, frozen=True):
    """One open answer, as its organiser reads it."""

    ballot_id: str
    question: str
    text: str
    state: AnswerState

    def to_dict(self) -> dict[str, Any]:
        """``{"ballot_id", "question", "text", "state"}``."""
        return {
            "ballot_id": self.ballot_id,
            "question": self.question,
            "text": self.text,
            "state": self.state.value,
        }


class AnswerStore:
    """Open answers by poll. Every method raises StoreDown where the store does not answer."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def hold(self, poll: str, ballot_id: str, written: Mapping[str, str]) -> None:
        """Holds a ballot's open answers, by question; those that are known stay where they are."""
        entries = [
            part for question, text in written.items() for part in (f"{ballot_id}:{question}", text)
        ]
        await self._call(poll, "hold", *entries)

    async def judge(self, poll: str, ballot_id: str, question: str, verdict: Verdict) -> bool:
        """Approves or rejects one answer, also one that was judged before; False: unknown."""
        place = list(AnswerState).index(VERDICTS[verdict]) + 1
        return bool(await self._call(poll, "judge", f"{ballot_id}:{question}", place))

    async def page(
        self, poll: str, state: AnswerState, cursor: int = 0
    ) -> tuple[list[OpenAnswer], int, int]:
        """About a hundred answers by ballot id, which is random; the next cursor, 0 at the end; how
        many there are in all. One that is judged meanwhile may be missing or come twice (SCAN).
        """
        (key,) = keys_of(state.value, poll)
        (place, found), total = await self._server.look_up_all(
            [("HSCAN", key, cursor, "COUNT", PAGE), ("HLEN", key)]
        )
        # A small hash is kept as a list, and scanned in the order in which its entries came.
        answers = [_answer(entry, text, state) for entry, text in sorted(_pairs(found))]
        return answers, int(place), int(total)

    async def approved(self, poll: str) -> tuple[OpenAnswer, ...]:
        """Every approved answer."""
        (key,) = keys_of(AnswerState.APPROVED.value, poll)
        found = await self._server.look_up(("HGETALL", key))
        return tuple(_answer(entry, text, AnswerState.APPROVED) for entry, text in found.items())

    async def _call(self, poll: str, verb: str, *args: Any) -> int:
        keys = keys_of(_KEYS, poll)
        call = ("EVAL", _SCRIPT, len(keys), *keys, verb, *args)
        return int(await self._server.change(call))


def _pairs(found: Any) -> list[tuple[bytes, bytes]]:
    # redis parses HSCAN's reply into a dict; a plain one is flat.
    return (
        list(found.items())
        if isinstance(found, dict)
        else list(zip(found[::2], found[1::2], strict=True))
    )


def _answer(entry: bytes, text: bytes, state: AnswerState) -> OpenAnswer:
    ballot_id, _, question = entry.decode().partition(":")
    return OpenAnswer(ballot_id, question, text.decode(), state)
