"""How loud a broadcast is: its newest second of sound decoded on request, off the loop.

The relay itself decodes nothing. Only while somebody reads a stream's health is a second of sound
decoded, in a thread, at most once a second whoever and however many read.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from typing import Any

import av
import av.error
import structlog

from streamd.errors import MediaError
from streamd.media import opus
from streamd.media.units import Track, Unit

log = structlog.get_logger(__name__)

SPAN_SECONDS = 1.0
"""Sound looked at in one measurement."""

FRESH_SECONDS = 1.0
"""A measurement this young is given again."""

FLOOR_DB = -90.0
"""Told for digital silence."""

QUIET_DB = -55.0
"""Below this no voice is heard: a quiet room, a microphone that is off."""

CLIPPED = 0.985
"""A sample from here on, of 1.0, is at the limit."""

CLIPPED_SHARE = 0.001
"""With this share of samples at the limit, it is heard as distortion."""

WATCHED_SECONDS = 10.0
"""Measurements further apart say nothing about what was between them."""

MOST_UNITS = 256
_EVERY = 4
"""Of the samples, each how many-th is looked at: the mean needs no more."""


@dataclass(frozen=True, slots=True)
class Level:
    """``decibels``: root mean square relative to full scale, ``FLOOR_DB`` to 0. ``clipping``: so
    much of it is at the limit that it is distorted. ``quiet_seconds``: for how long no voice has
    been heard, as far as it was measured.
    """

    decibels: float
    clipping: bool
    quiet_seconds: float


class Loudness:
    """Keeps the newest sounds of one stream, and measures them when asked."""

    def __init__(self) -> None:
        self._track: Track | None = None
        self._units: deque[tuple[float, Unit]] = deque(maxlen=MOST_UNITS)
        self._level: Level | None = None
        self._measured_at = -math.inf
        self._quiet_since: float | None = None
        self._measuring: asyncio.Task[tuple[float, bool] | None] | None = None

    def note(self, track: Track, unit: Unit, now: float) -> None:
        """A sound arrived."""
        if track is not self._track:
            self.clear()
            self._track = track
        units = self._units
        units.append((now, unit))
        while units[0][0] < now - SPAN_SECONDS:
            units.popleft()

    def clear(self) -> None:
        """What arrived before is of another publication."""
        self._units.clear()
        self._track = self._level = self._quiet_since = None
        self._measured_at = -math.inf

    def last(self, now: float) -> Level | None:
        """The newest measurement, None where it is old or nobody asked for one."""
        return self._level if now - self._measured_at < WATCHED_SECONDS else None

    async def measure(self, now: float) -> Level | None:
        """The level as of ``now``; None without sound that can be decoded.

        A cancelled call loses nothing: the measurement goes on for the next who asks.
        """
        if now - self._measured_at < FRESH_SECONDS:
            return self._level
        if self._measuring is None:
            units = [unit for at, unit in self._units if at >= now - SPAN_SECONDS]
            if self._track is None or not units:
                self._take(None, now)
                return None
            work = asyncio.to_thread(measured, self._track, units)
            self._measuring = asyncio.create_task(work, name="loudness")
            self._measuring.add_done_callback(lambda task: self._finish(task, now))
        await asyncio.shield(self._measuring)
        return self._level

    def _finish(self, task: asyncio.Task[tuple[float, bool] | None], now: float) -> None:
        self._measuring = None
        if not task.cancelled():
            self._take(task.result(), now)

    def _take(self, found: tuple[float, bool] | None, now: float) -> None:
        watched = now - self._measured_at < WATCHED_SECONDS
        self._measured_at = now
        if found is None or found[0] >= QUIET_DB:
            self._quiet_since = None
        elif self._quiet_since is None or not watched:
            self._quiet_since = now
        quiet = now - self._quiet_since if self._quiet_since is not None else 0.0
        self._level = Level(found[0], found[1], quiet) if found is not None else None


def measured(track: Track, units: Sequence[Unit]) -> tuple[float, bool] | None:
    """Decibels and clipping of these sounds; None where none could be decoded. Blocking."""
    squares, count, clipped = 0.0, 0, 0
    try:
        for samples in _decoded(track, units):
            some = samples[::_EVERY]
            squares += sum(map(mul, some, some))
            count += len(some)
            clipped += sum(1 for sample in some if sample >= CLIPPED or sample <= -CLIPPED)
    except (av.error.FFmpegError, MediaError, ValueError) as error:
        log.debug("sound not measured", reason=str(error))
    if not count:
        return None
    decibels = 10 * math.log10(squares / count) if squares else FLOOR_DB
    return round(min(max(decibels, FLOOR_DB), 0.0), 1), clipped / count >= CLIPPED_SHARE


def _decoded(track: Track, units: Sequence[Unit]) -> Any:
    """The samples of each channel of each frame, as float memoryviews.

    The first frames are left out: a decoder that starts amid a stream fades in.
    """
    is_opus = track.codec == "opus"
    decoder: Any = av.CodecContext.create("opus" if is_opus else "aac", "r")
    decoder.extradata = opus.head_from_dops(track.config, 0) if is_opus else track.config
    resampler = av.AudioResampler(format="fltp")
    for number, unit in enumerate(units):
        for frame in decoder.decode(av.Packet(unit.payload)):
            if number < 2 and len(units) > 2:
                continue
            for ready in resampler.resample(frame):
                for plane in ready.planes:
                    yield memoryview(plane).cast("B").cast("f")[: ready.samples]
