"""A stream's Opus as AAC, made once for all who need it, in a thread of its own.

It runs for as long as a generation with Opus does, whether anybody listens or not: recordings and
HLS, which take AAC alone, then have it from the first moment, and two processes that relay the
same units make the same bytes. One stereo stream takes about 2 % of a core.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable

import av
import structlog

from streamd.errors import StreamdError
from streamd.media.units import Track, Unit
from streamd.relay.opus_to_aac import OpusToAac

log = structlog.get_logger(__name__)

MOST_WAITING = 250
"""Opus units that wait for the thread: five seconds of 20 ms packets. Policy when full: the new
unit is dropped, and counted; silence stands in its place, so nothing shifts."""

FINISH_SECONDS = 0.5
"""How long the end of a generation waits for the sound still in the thread."""


class AudioConversion:
    """Units in on the loop, units out on the loop, in order; decoding and encoding elsewhere.

    ``on_units`` gets the AAC units, ``on_failed`` a sentence, once, when no more will come. Neither
    is called after ``finish``. ``track`` is the AAC track. Raises what OpusToAac does.
    """

    def __init__(
        self,
        source: Track,
        on_units: Callable[[list[Unit]], None],
        on_failed: Callable[[str], None],
    ) -> None:
        self._converter = OpusToAac(source)
        self.track = self._converter.track
        self.dropped = 0
        self._on_units = on_units
        self._on_failed = on_failed
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[Unit | None] = queue.SimpleQueue()
        self._made: queue.SimpleQueue[list[Unit]] = queue.SimpleQueue()
        self._finished = False
        # A daemon: a thread that hangs in a codec must not keep the process from ending.
        self._thread = threading.Thread(target=self._work, name="opus to aac", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """Opus packets that could not be used."""
        return self.dropped + self._converter.lost

    def push(self, unit: Unit) -> None:
        """Takes the next Opus unit; never waits."""
        if self._finished:
            return
        if self._queue.qsize() >= MOST_WAITING:
            self.dropped += 1
            return
        self._queue.put(unit)

    def finish(self) -> list[Unit]:
        """Ends the conversion; returns the units that ``on_units`` has not been given.

        Waits for the thread, usually one or two milliseconds; what is not ready after
        FINISH_SECONDS is lost.
        """
        if self._finished:
            return []
        self._finished = True
        self._queue.put(None)
        self._thread.join(FINISH_SECONDS)
        return self._take()

    def _take(self) -> list[Unit]:
        units: list[Unit] = []
        while True:
            try:
                units += self._made.get_nowait()
            except queue.Empty:
                return units

    # -- in the thread

    def _work(self) -> None:
        try:
            while (unit := self._queue.get()) is not None:
                self._hand_over(self._converter.convert(unit))
            self._made.put(self._converter.finish())
        except Exception as error:  # any at all: else HLS waits for its sound for ever
            log.warning("audio conversion failed", error=str(error), kind=type(error).__name__)
            reason = str(error) or type(error).__name__
            self._call(lambda: self._fail(reason))

    def _hand_over(self, units: list[Unit]) -> None:
        if units:
            self._made.put(units)
            self._call(self._deliver)

    def _call(self, work: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(work)
        except RuntimeError:  # the loop is closed: nobody is left to hear
            return

    # -- on the loop again

    def _deliver(self) -> None:
        if not self._finished and (units := self._take()):
            self._on_units(units)

    def _fail(self, reason: str) -> None:
        if not self._finished:
            self._finished = True
            self._on_failed(reason)


def start_conversion(
    source: Track, on_units: Callable[[list[Unit]], None], on_failed: Callable[[str], None]
) -> AudioConversion | str:
    """The conversion of ``source``, or a sentence that says why there can be none."""
    try:
        return AudioConversion(source, on_units, on_failed)
    except (av.FFmpegError, StreamdError, KeyError) as error:
        log.warning("audio cannot be converted", channels=source.channels, error=str(error))
        return f"Opus with {source.channels} channels cannot be converted to AAC."
