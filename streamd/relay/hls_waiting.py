"""Requests that wait for something an HLS stream does not have yet.

Nobody polls: all who wait for the same thing share one future, set when it comes. At most ``most``
requests wait for a stream; policy when full: the new one is refused and counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

MOST_WAITING = 10_000


class Places:
    """How many requests wait for a stream now, and how many were refused."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self.most = most
        self.taken = 0
        self.refused = 0

    @property
    def full(self) -> bool:
        """True where nobody more may wait; asking counts as a refusal."""
        if self.taken < self.most:
            return False
        self.refused += 1
        return True


class Waiting(Generic[Key]):
    """Who waits for what, by key."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._futures: dict[Key, asyncio.Future[None]] = {}

    async def until(self, key: Key, seconds: float) -> bool:
        """Waits until ``wake`` takes ``key``: True; False after ``seconds``.

        A cancelled wait loses nothing.
        """
        future = self._futures.get(key)
        if future is None:
            future = self._futures[key] = asyncio.get_running_loop().create_future()
        self._places.taken += 1
        try:
            # Not wait_for: it would cancel the future that others wait for too.
            await asyncio.wait((future,), timeout=seconds)
        finally:
            self._places.taken -= 1
        return future.done()

    def wake(self, is_here: Callable[[Key], bool]) -> None:
        """Lets those go on whose key ``is_here``."""
        for key in [key for key in self._futures if is_here(key)]:
            future = self._futures.pop(key)
            if not future.done():
                future.set_result(None)

    def wake_all(self) -> None:
        """Lets everybody go on."""
        self.wake(lambda _: True)
