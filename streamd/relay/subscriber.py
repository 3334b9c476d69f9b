"""One reader of a stream's units: a bounded queue that skips ahead when the reader is slow."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace

from streamd.media.units import Kind, Track, Unit


class Subscriber:
    """A bounded queue of units and an async iterator over them.

    Policy when full: everything queued is dropped and nothing is taken until the next video
    keyframe (for a stream without video, the next audio unit), so that the reader always
    continues with something it can decode. ``dropped`` counts the units lost that way.

    A unit carries ``track`` whenever its configuration differs from that of the previous unit of
    its kind which this reader got, the first one included; so the units alone are enough to
    follow new publications and configuration changes.

    Iteration ends when the stream is closed or ``close`` is called. A cancelled wait loses nothing.
    """

    def __init__(
        self, name: str, limit: int, on_close: Callable[[Subscriber], None] = lambda _: None
    ) -> None:
        self.name = name
        self.dropped = 0
        self._limit = limit
        self._units: deque[Unit] = deque()
        self._on_close = on_close
        self._waiting: asyncio.Future[None] | None = None
        self._closed = False
        self._skipping = self._behind = False
        self._sent: dict[Kind, Track] = {}
        self._tracks: dict[Kind, Track] = {}

    @property
    def skipping(self) -> bool:
        """True while units are passed over until a keyframe comes."""
        return self._skipping

    def __len__(self) -> int:
        return len(self._units)

    def follow(self, tracks: Mapping[Kind, Track], *, from_start: bool) -> None:
        """A publication with ``tracks`` is to be read, from its first unit or from amid it."""
        self._tracks = dict(tracks)
        self._sent.clear()
        self._skipping = not from_start
        self._behind = self._behind and self._skipping

    def push(self, unit: Unit) -> None:
        """Takes a unit from the stream, or drops it by the policy above. Never waits."""
        if self._closed:
            return
        if unit.track is not None:
            self._tracks[unit.kind] = unit.track
        if not self._skipping and len(self._units) >= self._limit:
            self._fall_behind()
        if self._skipping:
            if not unit.key or (unit.kind != "v" and "v" in self._tracks):
                self.dropped += self._behind
                return
            self._skipping = self._behind = False
        track = self._tracks[unit.kind]
        if self._sent.get(unit.kind) is not track:
            self._sent[unit.kind] = track
            unit = replace(unit, track=track)
        elif unit.track is not None:
            unit = replace(unit, track=None)
        self._units.append(unit)
        self._wake()

    def pop(self) -> Unit | None:
        """The oldest unit, or None where none is queued."""
        return self._units.popleft() if self._units else None

    async def wait(self) -> bool:
        """Waits until a unit is queued; False once closed and empty."""
        while not self._units:
            if self._closed:
                return False
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        return True

    def __aiter__(self) -> AsyncIterator[Unit]:
        return self

    async def __anext__(self) -> Unit:
        while await self.wait():
            unit = self.pop()
            if unit is not None:
                return unit
        raise StopAsyncIteration

    def close(self) -> None:
        """Ends the iteration after what is queued. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._on_close(self)
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _fall_behind(self) -> None:
        self.dropped += len(self._units)
        self._units.clear()
        self._sent.clear()
        self._skipping = self._behind = True
