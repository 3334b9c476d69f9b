"""Moves of an open poll's deadline, pure: what was moved when, so that everybody can read it."""

from __future__ import annotations

import msgspec

from polling.errors import DeadlinePassed, InvalidPoll
from polling.rules import DURATION_SECONDS


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


def check_deadline(poll: str, closes_at: float, standing: float | None, soonest: float) -> float:
    """``closes_at`` as an open poll's deadline: after ``soonest``, the first moment that can still
    be told to viewers, and within a week of it.

    Raises InvalidPoll, and DeadlinePassed where the ``standing`` close is before ``soonest``: some
    have seen it.
    """
    if standing is not None and standing <= soonest:
        raise DeadlinePassed(poll)
    if isinstance(closes_at, bool) or not 0 < closes_at - soonest < DURATION_SECONDS.stop:
        raise InvalidPoll("Choose a time that is still to come, within a week.", "closes_at")
    return float(closes_at)
