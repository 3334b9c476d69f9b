"""When a poll's log is looked at again. Pure.

Nobody may answer for weeks, as with the late answers to a recording: then the looks grow rare. And
a busy poll's batch is not due before the last one is some seconds old, so none comes in between.
"""

from __future__ import annotations

from dataclasses import dataclass

RAREST = 4
"""The longest wait is so many times the shortest: half a lease, so that the lease stays held, and
less than what a few ballots wait for others."""


@dataclass(slots=True)
class Pace:
    """The waits between one poll's looks, in seconds: from ``shortest`` on, each twice the last."""

    shortest: float
    _wait: float = 0.0

    def begin_anew(self) -> None:
        """The poll was changed, or something went wrong: the next look is soon."""
        self._wait = 0.0

    def wait(self, *, merged: bool, due_in: float | None) -> float:
        """How long to wait after a look that went well.

        ``merged``: it brought ballots into the log; ``due_in``: seconds until those that wait are
        to be merged, None: none are.
        """
        rarest = RAREST * self.shortest
        self._wait = rarest if merged else min(max(2 * self._wait, self.shortest), rarest)
        return self._wait if due_in is None else min(self._wait, max(due_in, 0.0))
