"""Questions from viewers, pure: the life of one as a table, and what may be asked.

    held ──approve──► shown ──answer──► answered
      └──reject──► (gone)  └──hide──► hidden ◄──hide── answered;  hidden ──approve──► shown

A poll of kind "qa" collects them while it is open. Who asked and who voted for what is known only
as a nullifier of the voter, or of the voter and the item.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, Literal

import msgspec

ITEM_CHARACTERS: Final = 300
ASKED_AT_MOST: Final = 3
"""Questions that one voter may put in one poll."""
ITEMS_AT_MOST: Final = 2_000
"""Items in one poll, those rejected not counted; past it nothing more is taken."""
ITEMS_SHOWN: Final = 50


class ItemState(StrEnum):
    """Where a viewer's question stands."""

    HELD = "held"
    SHOWN = "shown"
    ANSWERED = "answered"
    HIDDEN = "hidden"
    GONE = "gone"


ItemMove = Literal["approve", "reject", "answer", "hide"]

ITEM_MOVES: Mapping[ItemState, Mapping[ItemMove, ItemState]] = {
    ItemState.HELD: {"approve": ItemState.SHOWN, "reject": ItemState.GONE},
    ItemState.SHOWN: {"answer": ItemState.ANSWERED, "hide": ItemState.HIDDEN},
    ItemState.ANSWERED: {"hide": ItemState.HIDDEN},
    ItemState.HIDDEN: {"approve": ItemState.SHOWN},
    ItemState.GONE: {},
}
VISIBLE: Final = frozenset({ItemState.SHOWN, ItemState.ANSWERED})


class Item(msgspec.Struct, frozen=True):
    """One question from a viewer and how many voted for it."""

    id: str
    text: str
    state: ItemState
    upvotes: int = 0

    def to_dict(self) -> dict[str, Any]:
        """``{"id", "text", "state", "upvotes"}``."""
        return {
            "id": self.id,
            "text": self.text,
            "state": self.state.value,
            "upvotes": self.upvotes,
        }


def public(items: Iterable[Item]) -> list[dict[str, Any]]:
    """What everyone is shown: approved items, 50 at most, open ones and the most wanted first."""
    shown = [item for item in items if item.state in VISIBLE]
    shown.sort(key=lambda item: (item.state is ItemState.ANSWERED, -item.upvotes, item.id))
    return [item.to_dict() for item in shown[:ITEMS_SHOWN]]


def new_id() -> str:
    """128 random bits for an item whose client gave none."""
    return secrets.token_hex(16)
