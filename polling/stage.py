"""The broadcast that a poll is asked on, as far as polls know it: a clock of its own. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from polling.deadlines import check_deadline, first_deadline
from polling.model import Poll

GRACE_SECONDS = 15.0
"""How much longer than at the live edge ballots are taken: viewers are seconds behind it."""


class Moment(msgspec.Struct, frozen=True):
    """``at``: the Unix time of a picture on the broadcast's own clock. ``lag``: by how many seconds
    the wall clock is past that when viewers at the live edge see the picture; with a broadcast
    delay in it.
    """

    at: float
    lag: float


Stage = Callable[[str, float | None], Moment | None]
"""For a stream's id: the moment of a cue that is given now, None where nothing is live. The second
argument is the media time in seconds that is wished for; None: as soon as may be.
"""


def nowhere(_stream: str, _at: float | None) -> Moment | None:
    """No broadcast anywhere: polls open and close by the wall clock."""
    return None


def opening(seconds: int | None, seen: Moment | None, now: float, grace: float) -> dict[str, float]:
    """The times of a poll that opens ``now`` for ``seconds`` and is seen to at ``seen``.

    ``closes_at`` is the server's own bound, which no client moves: the viewer at the live edge has
    the whole time, and who is up to ``grace`` seconds behind has it too.
    """
    times = {"opened_at": now}
    if seen is not None:
        times |= {"cue_open": seen.at, "cue_lag": seen.lag}
    if seconds is not None:
        times["closes_at"] = now + seconds
        if seen is not None:
            ends = seen.at + seconds
            times |= {"cue_close": ends, "closes_at": ends + seen.lag + grace}
    return times


def moving(
    poll: Poll, closes_at: float, seen: Moment | None, now: float, grace: float
) -> dict[str, float]:
    """The times of an open poll whose close is moved to ``closes_at``, on the broadcast's clock
    where it has one. ``seen``: the first picture that can still be told of; None: off air.

    Raises InvalidPoll, DeadlinePassed.
    """
    lag = seen.lag if seen is not None else poll.cue_lag
    standing = poll.closes_at if poll.cue_close is None else poll.cue_close
    first = first_deadline(poll.deadlines, standing)
    if lag is None:
        return {"closes_at": check_deadline(poll.id, closes_at, standing, now, first)}
    soonest = seen.at if seen is not None else now - lag
    ends = check_deadline(poll.id, closes_at, standing, soonest, first)
    return {"cue_close": ends, "cue_lag": lag, "closes_at": ends + lag + grace}


def closing(poll: Poll, seen: Moment, grace: float) -> dict[str, float] | None:
    """The times of an open poll that is to close at ``seen``; None: it closes sooner.

    They are never later than those that stand: one that was opened off air has its ``closes_at``.
    """
    at = max(seen.at, poll.cue_open or 0.0)
    if poll.cue_close is not None and poll.cue_close <= at:
        return None
    standing = math.inf if poll.closes_at is None else poll.closes_at
    if standing <= at + seen.lag:
        return None
    closes_at = min(standing, at + seen.lag + grace)
    return {"cue_close": at, "cue_lag": seen.lag, "closes_at": closes_at}
