"""A shutdown that ends: every step gets what is left of one budget, and the process never hangs.

Orderly ends within ten seconds are a promise to whoever runs streamd (systemd, Kubernetes): after
it they would kill the process without asking.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine

import structlog

log = structlog.get_logger(__name__)

BUDGET_SECONDS = 8.0
LAST_RESORT_SECONDS = 9.5


class Shutdown:
    """Runs the steps of one shutdown. Begin it when the first step begins."""

    def __init__(self, budget_seconds: float = BUDGET_SECONDS) -> None:
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + budget_seconds

    @property
    def left(self) -> float:
        """Seconds left for all that is still to be done, at least a tenth."""
        return max(self._deadline - self._loop.time(), 0.1)

    async def step(self, name: str, work: Coroutine[object, object, None]) -> None:
        """Awaits ``work`` while time is left; then, or where it fails, says so and goes on.

        A step that ran out of time is cancelled and not waited for: it may sit in a library that
        swallows cancellation.
        """
        task = self._loop.create_task(work, name=name)
        done, _ = await asyncio.wait([task], timeout=self.left)
        if not done:
            task.cancel()
            log.error("a step of the shutdown took too long and is left", step=name)
        elif (error := task.exception()) is not None:
            log.error("a step of the shutdown failed", step=name, exc_info=error)


def last_resort(seconds: float = LAST_RESORT_SECONDS) -> threading.Timer:
    """Ends the process after ``seconds`` whatever the event loop does; cancel it when done.

    Nothing acknowledged is lost by it: a vote's reply is sent after it is on disk.
    """

    def leave() -> None:
        log.error("the shutdown hangs; leaving without it")
        os._exit(0)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()
    return timer
