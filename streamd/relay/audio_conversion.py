"""A stream's sound in another codec, made once for all who need it, in a thread of its own.

Opus is made AAC for as long as a generation with Opus lasts, whether anybody listens or not:
recordings and HLS, which take AAC alone, then have it from the first moment, and two processes
that relay the same units make the same bytes. One stereo stream takes about 2 % of a core.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Protocol

import av
import structlog

from streamd.errors import StreamdError
from streamd.media.units import Track, Unit
from streamd.relay.opus_to_aac import OpusToAac

log = structlog.get_logger(__name__)

MOST_WAITING = 250
"""Units that wait for the thread: five seconds of 20 ms packets. Policy when full: the new
unit is dropped, and counted; silence stands in its place, so nothing shifts."""

HANDED_TOGETHER = 3
"""Units that go to the thread at once where Opus is made AAC. Each hand-over wakes it and the loop;
40 ms of waiting are nothing to HLS, recordings and players of AAC, whose parts are longer."""

FINISH_SECONDS = 0.5
"""How long the end of a generation waits for the sound still in the thread."""


class Converter(Protocol):
    """Units in, units out; it may block. ``lost`` counts those that could not be used."""

    @property
    def track(self) -> Track: ...
    @property
    def lost(self) -> int: ...
    def convert(self, unit: Unit) -> list[Unit]: ...
    def finish(self) -> list[Unit]: ...


class AudioConversion:
    """Units in on the loop, units out on the loop, in order; decoding and encoding elsewhere.

    ``on_units`` gets the converted units, ``on_failed`` a sentence, once, when no more will come.
    Neither is called after ``finish`` or ``stop``. ``track`` is what the units are of.
    ``together`` units go to the thread at once.
    """

    def __init__(
        self,
        converter: Converter,
        on_units: Callable[[list[Unit]], None],
        on_failed: Callable[[str], None],
        together: int = 1,
    ) -> None:
        self._converter = converter
        self._together = together
        self.track = converter.track
        self.dropped = 0
        self._on_units = on_units
        self._on_failed = on_failed
        self._loop = asyncio.get_running_loop()
        self._gathered: list[Unit] = []
        self._queue: queue.SimpleQueue[list[Unit] | None] = queue.SimpleQueue()
        self._made: queue.SimpleQueue[list[Unit]] = queue.SimpleQueue()
        self._finished = False
        self._on_rest: Callable[[list[Unit]], None] | None = None
        self._patience: asyncio.TimerHandle | None = None
        # A daemon: a thread that hangs in a codec must not keep the process from ending.
        thread = threading.Thread(target=self._work, name="audio conversion", daemon=True)
        thread.start()

    @property
    def lost(self) -> int:
        """Units that could not be used."""
        return self.dropped + self._converter.lost

    def push(self, unit: Unit) -> None:
        """Takes the next unit; never waits."""
        if self._finished:
            return
        if self._queue.qsize() * self._together >= MOST_WAITING:
            self.dropped += 1
            return
        self._gathered.append(unit)
        if len(self._gathered) >= self._together:
            self._hand_to_thread()

    def finish(self, on_rest: Callable[[list[Unit]], None]) -> None:
        """Ends the conversion; never waits. ``on_rest`` gets, once, the units that ``on_units``
        has not been given: usually a millisecond or two later, after FINISH_SECONDS at the
        latest, and then without what is not ready.
        """
        if self._finished:
            on_rest([])
            return
        self._finished = True
        self._on_rest = on_rest
        self._hand_to_thread()
        self._queue.put(None)
        self._patience = self._loop.call_later(FINISH_SECONDS, self._give_rest)

    def stop(self) -> None:
        """Ends the conversion; what it still has is of no use."""
        self._finished = True
        self._queue.put(None)

    def _hand_to_thread(self) -> None:
        if self._gathered:
            self._queue.put(self._gathered)
            self._gathered = []

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
            while (units := self._queue.get()) is not None:
                self._hand_over([made for unit in units for made in self._converter.convert(unit)])
            if self._on_rest is not None:
                self._made.put(self._converter.finish())
                self._call(self._give_rest)
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

    def _give_rest(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        on_rest, self._on_rest = self._on_rest, None
        if on_rest is not None:
            on_rest(self._take())

    def _fail(self, reason: str) -> None:
        if not self._finished:
            self._finished = True
            self._on_failed(reason)
        self._give_rest()


def start_conversion(
    source: Track, on_units: Callable[[list[Unit]], None], on_failed: Callable[[str], None]
) -> AudioConversion | str:
    """The conversion of ``source``, or a sentence that says why there can be none."""
    try:
        return AudioConversion(OpusToAac(source), on_units, on_failed, HANDED_TOGETHER)
    except (av.FFmpegError, StreamdError, KeyError) as error:
        log.warning("audio cannot be converted", channels=source.channels, error=str(error))
        return f"Opus with {source.channels} channels cannot be converted to AAC."
