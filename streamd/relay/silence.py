"""A publisher's silence: since when, how long it is waited for, and a look once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

STALL_SECONDS = 5.0
"""Silence of a publisher after which its stream is stalled."""

END_SECONDS = 30.0
"""Time a stalled stream waits for its publisher, or the next one, before it has ended."""

LOST_SECONDS = 2.0
"""Silence after which a publisher that has not gone yet counts as lost, once its key says so."""

LOOK_SECONDS = 1.0


class Silence:
    """``look`` is called each second from ``watch`` on, as long as ``waits`` says so."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        look: Callable[[], None],
        waits: Callable[[], bool],
    ) -> None:
        self._monotonic = monotonic
        self._look = look
        self._waits = waits
        self._heard_at = 0.0
        self._stalled_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def hear(self, now: float) -> None:
        """Something came, or somebody took the publisher's place."""
        self._heard_at = now

    def stall(self) -> None:
        """The stream is stalled from now on."""
        self._stalled_at = self._monotonic()

    @property
    def is_stall(self) -> bool:
        """Whether a stream that is live is stalled by it."""
        return self._monotonic() - self._heard_at >= STALL_SECONDS

    @property
    def is_loss(self) -> bool:
        """Whether the publisher counts as lost where its key says so."""
        return self._monotonic() - self._heard_at >= LOST_SECONDS

    def ends_in(self, *, publishing: bool) -> float:
        """Seconds until the waiting is over; a new publisher is given the whole time once more."""
        begun = self._heard_at + STALL_SECONDS if publishing else self._stalled_at
        return begun + END_SECONDS - self._monotonic()

    def watch(self) -> None:
        """Looks from now on. May be called again."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(LOOK_SECONDS, self._ring)

    def rest(self) -> None:
        """Looks no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        try:
            self._look()
        finally:
            # Whoever is told of an end may fail: the others are still watched.
            if self._waits():
                self.watch()
