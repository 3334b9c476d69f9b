"""Moves of an open poll's deadline, pure: what was moved when, so that everybody can read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from polling.errors import DeadlinePassed, DeadlineSpent, InvalidPoll
from polling.rules import DURATION_SECONDS

MOST_MOVES: Final = 100
"""Moves of one poll's deadline: all of them stand in its row."""
KEPT_FOR_CLOSING: Final = 10
"""More of them that only a close by hand makes; past these it closes at once."""
MOST_SECONDS: Final = DURATION_SECONDS.stop - 1
"""How far past a poll's first deadline the later ones may lie."""


class DeadlineMove(msgspec.Struct, frozen=True):
    """At ``at`` the close went from ``was`` (None: by hand) to ``to``; all in Unix seconds, the
    last two on the clock of the broadcast where the poll is on one.
    """

    at: float
    was: float | None
    to: float

    def to_dict(self) -> dict[str, float | None]:
        """``{"at", "from", "to"}``."""
        return {"at": self.at, "from": self.was, "to": self.to}


def check_moves(poll: str, moves: Sequence[DeadlineMove]) -> None:
    """Raises DeadlineSpent where an open poll's deadline, moved as in ``moves``, has to stay."""
    if len(moves) >= MOST_MOVES:
        raise DeadlineSpent(poll, MOST_MOVES)


def can_close_by_move(moves: Sequence[DeadlineMove]) -> bool:
    """Whether a close by hand may still be one more of an open poll's ``moves``."""
    return len(moves) < MOST_MOVES + KEPT_FOR_CLOSING


def first_deadline(moves: Sequence[DeadlineMove], standing: float | None) -> float | None:
    """The deadline with which a poll began that now closes at ``standing``, in Unix seconds, or the
    first that it was given; None where it has none.
    """
    if not moves:
        return standing
    return moves[0].to if moves[0].was is None else moves[0].was


def check_deadline(
    poll: str,
    closes_at: float,
    standing: float | None,
    soonest: float,
    first: float | None = None,
) -> float:
    """``closes_at`` as an open poll's deadline: after ``soonest``, the first moment that can still
    be told to viewers, within a week of it, and within a week of the ``first`` deadline too.

    Raises InvalidPoll, and DeadlinePassed where the ``standing`` close is before ``soonest``: some
    have seen it.
    """
    if standing is not None and standing <= soonest:
        raise DeadlinePassed(poll)
    if isinstance(closes_at, bool) or not 0 < closes_at - soonest < DURATION_SECONDS.stop:
        raise InvalidPoll("Choose a time that is still to come, within a week.", "closes_at")
    if first is not None and closes_at > first + MOST_SECONDS:
        raise InvalidPoll(
            "Choose an earlier time: a poll closes a week after its first deadline at the latest.",
            "closes_at",
        )
    return float(closes_at)
