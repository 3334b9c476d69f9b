"""Sends units to an RTMP address through libavformat, which blocks: in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import io
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
import av.error
import av.logging

from streamd.errors import PublishError, PublishLost, PublishRefused
from streamd.media import fmp4
from streamd.media.units import Kind, Track, Unit

STALLED_SECONDS = 10.0
"""A server that takes nothing for this long is taken for gone."""

_SAID = "Server error: "


class RtmpPublisher:
    """One broadcast. ``open`` connects; every call may take as long as the server makes it.

    Payloads go out as they are. Raises PublishRefused with the server's own sentence where it
    gave one, PublishLost where there is no line.
    """

    def __init__(self, url: str, tracks: Sequence[Track]) -> None:
        self._url = url
        self._tracks = {track.kind: track for track in tracks}
        self._out: Any = None
        self._streams: dict[Kind, Any] = {}
        self.sent_bytes = 0

    def open(self) -> None:
        """Connects and publishes."""
        with _translated():
            options = {"flvflags": "no_duration_filesize"}
            self._out = av.open(self._url, "w", format="flv", options=options)
            for kind, track in self._tracks.items():
                # libavformat takes a stream's parameters from another stream only: one is read
                # from an initialisation segment, which holds them all.
                with av.open(io.BytesIO(fmp4.init_segment(track))) as template:
                    self._streams[kind] = self._out.add_stream_from_template(template.streams[0])
            self._out.start_encoding()

    def send(self, unit: Unit) -> None:
        """Sends one unit, in decoding order."""
        packet: Any = av.Packet(unit.payload)
        packet.dts, packet.pts = unit.dts, unit.pts
        packet.time_base = Fraction(1, self._tracks[unit.kind].timescale)
        packet.is_keyframe = unit.key
        packet.stream = self._streams[unit.kind]
        with _translated():
            self._out.mux_one(packet)
        self.sent_bytes += len(unit.payload)

    def close(self) -> None:
        """Ends the broadcast, in good order where the line still stands."""
        out, self._out = self._out, None
        if out is not None:
            with contextlib.suppress(PublishError), _translated():
                out.close()


class RtmpLine:
    """An RtmpPublisher in a thread. A call that takes STALLED_SECONDS raises PublishLost, and the
    thread is left to itself: a write into a dead connection cannot be taken back.
    """

    def __init__(self, publisher: RtmpPublisher) -> None:
        self._publisher = publisher
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # A daemon, so that a thread that is stuck does not keep the process from ending.
        threading.Thread(target=self._run, daemon=True, name="rtmp").start()

    async def open(self) -> None:
        """Connects and publishes. Raises PublishError."""
        await self._call(self._publisher.open)

    async def send(self, unit: Unit) -> None:
        """Sends one unit. Raises PublishError."""
        await self._call(lambda: self._publisher.send(unit))

    async def close(self) -> None:
        """Ends the broadcast, and the thread with it."""
        try:
            await self._call(self._publisher.close)
        finally:
            self._work.put(None)

    async def _call(self, function: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def settle(error: Exception | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        def work() -> None:
            caught: Exception | None = None
            try:
                function()
            except Exception as error:
                caught = error
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, caught)

        self._work.put(work)
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                await done
        except TimeoutError:
            raise PublishLost("The server takes nothing any more.") from None

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """libavformat's errors as ours, with what its log quotes of the server."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture() as lines:
            yield
    except (av.error.FFmpegError, OSError) as error:
        for _, _, line in reversed(lines):
            if _SAID in line:
                raise PublishRefused(line.partition(_SAID)[2].strip()) from error
        # Not str(error): it may quote the address, and with it the key.
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise PublishLost(f"The server cannot be reached, or has closed: {reason}.") from error
    finally:
        av.logging.set_level(level)
