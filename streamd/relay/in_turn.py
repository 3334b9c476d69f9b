"""Things done in order, one of which may have to wait for something that is still on its way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

Act = Callable[[], None]


class InTurn:
    """What is given to ``do`` happens at once or, where a ``gap`` is open, after what fills it.

    Whoever opens a gap bounds how long it stays open; so what waits is bounded too.
    """

    def __init__(self) -> None:
        self._waiting: deque[Act | _Gap] = deque()
        self._settled = asyncio.Event()
        self._settled.set()

    def do(self, act: Act) -> None:
        """Does it when its turn has come."""
        if self._waiting:
            self._waiting.append(act)
        else:
            act()

    def gap(self) -> Callable[[Act], None]:
        """Keeps a place; returns the function that says, once, what is to be done in it."""
        gap = _Gap()
        self._waiting.append(gap)
        self._settled.clear()

        def fill(act: Act) -> None:
            gap.act = act
            self._go_on()

        return fill

    async def settled(self) -> None:
        """Waits until nothing waits. Cancelled, it loses nothing."""
        await self._settled.wait()

    def _go_on(self) -> None:
        while self._waiting:
            first = self._waiting[0]
            act = first.act if isinstance(first, _Gap) else first
            if act is None:
                return
            # It stays first while it is done: what it brings about comes after it.
            try:
                act()
            except Exception:
                # Whoever gave it has long gone on; what comes after it must not wait for ever.
                log.exception("what had to wait its turn failed")
            finally:
                self._waiting.popleft()
        self._settled.set()


class _Gap:
    def __init__(self) -> None:
        self.act: Act | None = None
