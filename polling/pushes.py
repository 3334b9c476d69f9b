"""Tallies on their way to the screens: the newest one per poll, at most so many a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from polling.model import Tally
from polling.rules import FINISHED

log = structlog.get_logger()

_FINISHED: Final = 1_024
"""Polls known to be finished; a tally on its way is not older than as many closes."""


@dataclass(slots=True)
class _Channel:
    sent: Tally | None = None
    sent_at: float = float("-inf")
    newest: Tally | None = None
    timer: asyncio.TimerHandle | None = None


class Pushes:
    """Hands tallies to ``send``: the first at once, then conflated to ``rate()`` a second a poll.

    The last state always arrives, and a finished poll's tally without waiting. A tally older than
    the one sent is dropped, and so is an open poll's after a finished one's. Each tally that has to
    wait goes to ``amend`` meanwhile: screens that the last push has not reached yet may be told it
    in that one's place, so none sees a vote later than one interval after it was counted. Both run
    on the event loop and must not block; what they raise is logged and stops nothing.
    """

    def __init__(
        self,
        send: Callable[[Tally], None],
        rate: Callable[[], float],
        amend: Callable[[Tally], None] = lambda tally: None,
    ) -> None:
        self._send = send
        self._rate = rate
        self._amend = amend
        self._channels: dict[str, _Channel] = {}
        self._finished: dict[str, None] = {}
        self.conflated = 0

    def offer(self, tally: Tally) -> None:
        """Takes the newest tally of a poll. Call from the event loop."""
        if tally.poll in self._finished and tally.state not in FINISHED:
            return
        channel = self._channels.setdefault(tally.poll, _Channel())
        last = channel.newest or channel.sent
        if last is not None and (tally == last or tally.seq < last.seq):
            return
        if channel.newest is not None:
            self.conflated += 1
        channel.newest = tally
        wait = channel.sent_at + 1 / self._rate() - self._clock()
        if wait <= 0 or tally.state in FINISHED:
            self._push(channel)
            return
        _tell(self._amend, tally)
        if channel.timer is None:
            channel.timer = asyncio.get_running_loop().call_later(wait, self._push, channel)

    def close(self) -> None:
        """Sends what waits and forgets every poll."""
        for channel in self._channels.values():
            if channel.newest is not None:
                self._push(channel)
        self._channels.clear()

    def _push(self, channel: _Channel) -> None:
        if channel.timer is not None:
            channel.timer.cancel()
            channel.timer = None
        tally, channel.newest = channel.newest, None
        if tally is None:
            return
        channel.sent, channel.sent_at = tally, self._clock()
        if tally.state in FINISHED:
            self._channels.pop(tally.poll, None)
            self._finished[tally.poll] = None
            if len(self._finished) > _FINISHED:
                del self._finished[next(iter(self._finished))]
        _tell(self._send, tally)

    @staticmethod
    def _clock() -> float:
        return asyncio.get_running_loop().time()


def _tell(whom: Callable[[Tally], None], tally: Tally) -> None:
    try:
        whom(tally)
    except Exception:
        log.exception("a tally could not be pushed", poll=tally.poll)
