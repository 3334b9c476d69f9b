"""Asking a publisher for a keyframe: at most once a second, whoever and however many want one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

SPACING_SECONDS = 1.0


class KeyframeRequests:
    """Passes wishes on to ``ask``. The first goes at once; what is wished within a second of it
    becomes one request at that second's end, unless a keyframe has come by then.

    Only on an event loop; ``monotonic`` is the clock that the spacing is kept on.
    """

    def __init__(self, ask: Callable[[], None], monotonic: Callable[[], float]) -> None:
        self._ask = ask
        self._monotonic = monotonic
        self._asked: float | None = None
        self._later: asyncio.TimerHandle | None = None

    def want(self) -> None:
        """Somebody needs a keyframe."""
        if self._later is not None:
            return
        now = self._monotonic()
        wait = SPACING_SECONDS - (now - self._asked) if self._asked is not None else 0.0
        if wait > 0:
            self._later = asyncio.get_running_loop().call_later(wait, self._go)
        else:
            self._go()

    def came(self) -> None:
        """A keyframe arrived: who waited for one has it."""
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def close(self) -> None:
        """Asks no more of this publisher."""
        self.came()
        self._asked = None

    def _go(self) -> None:
        self._later = None
        self._asked = self._monotonic()
        self._ask()
