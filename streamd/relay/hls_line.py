"""The line on which HLS windows are handed over to other processes of this machine (hls_handover).

A unix socket: its directory's permissions and its own (0600) say who may follow. A frame is the
length of what follows as u32, the length of the stream's id as u8, the id, the message. A follower
sends nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import structlog

from streamd import config
from streamd.errors import ConfigError, UnknownStream
from streamd.relay.errors import HandoverBroken, StateRefused
from streamd.relay.hls import Hls
from streamd.relay.hls_handover import Heir, hand_over
from streamd.relay.stream import Stream

log = structlog.get_logger(__name__)

UNREAD_BYTES: Final = 64 * 1024 * 1024
"""What a follower may leave unread past its beginning. Policy: it is cut off, and counted; it comes
again and begins anew, and meanwhile answers with what it had."""
FRAME_BYTES: Final = 1 << 30
"""The largest message a follower takes; a state holds a window's media."""
AGAIN_SECONDS: Final = 1.0
"""Between two attempts of a follower to connect."""

_HEAD: Final = struct.Struct(">IB")


def frame(stream_id: str, message: bytes) -> bytes:
    """One message as it stands on the line."""
    name = stream_id.encode()
    return _HEAD.pack(1 + len(name) + len(message), len(name)) + name + message


async def next_frame(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """``(stream id, message)``. Raises HandoverBroken, asyncio.IncompleteReadError, OSError."""
    size, named = _HEAD.unpack(await reader.readexactly(_HEAD.size))
    if not named < size <= FRAME_BYTES:
        raise HandoverBroken(f"A message of {size} bytes is not one of ours.", "")
    rest = await reader.readexactly(size - 1)
    return rest[:named].decode("utf-8", "replace"), rest[named:]


class _Follower:
    """One process that follows, and the streams that it is told of so far."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.ends: dict[str, Callable[[], None]] = {}
        self.cut_off = False

    def begin(self, stream: Stream) -> None:
        if stream.id in self.ends:
            return
        self.ends[stream.id] = lambda: None
        self.ends[stream.id] = hand_over(
            stream.window.hls, lambda message: self._send(stream.id, message)
        )

    def _send(self, stream_id: str, message: bytes) -> None:
        transport = self.writer.transport
        if self.cut_off or transport.is_closing():
            return
        if transport.get_write_buffer_size() > UNREAD_BYTES:
            self.cut_off = True
            transport.abort()
            return
        self.writer.write(frame(stream_id, message))

    def end(self) -> None:
        for end in self.ends.values():
            end()


class HandoverServer:
    """Hands every stream's window over to whoever connects to the socket."""

    def __init__(self, path: str, streams: Iterable[Stream]) -> None:
        self._path = path
        self._streams = streams
        self._server: asyncio.Server | None = None
        self._followers: set[_Follower] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.cut_off = 0

    @property
    def followers(self) -> int:
        """Processes that follow now."""
        return len(self._followers)

    async def start(self) -> None:
        """Listens; nothing where no path is set. Raises ConfigError."""
        if not self._path:
            return
        await self._clear()
        try:
            with _owner_only():
                self._server = await asyncio.start_unix_server(self._accept, self._path)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"Cannot listen on {self._path}: {error}. Name another path in [relay] handover, "
                "at most 100 characters long, in a directory of streamd's own."
            ) from error

    async def stop(self) -> None:
        """Followers are cut off; they keep what they have."""
        if self._server is None:
            return
        self._server.close()
        for follower in tuple(self._followers):
            follower.writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._server.wait_closed()
        self._unlink()

    def on_stream(self, stream: Stream) -> None:
        """A stream changed; one that is new is handed over too."""
        for follower in tuple(self._followers):
            follower.begin(stream)

    async def _clear(self) -> None:
        """Takes away what a process that was killed left. Raises ConfigError where one listens."""
        if not self._is_there():
            return
        try:
            _, writer = await asyncio.open_unix_connection(self._path)
        except OSError:
            self._unlink()
            return
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        raise ConfigError(
            f"Another process hands over on {self._path}: end it, or name another path in [relay] "
            "handover."
        )

    def _is_there(self) -> bool:
        return Path(self._path).is_socket()

    def _unlink(self) -> None:
        Path(self._path).unlink(missing_ok=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None or not self._server.is_serving():
            writer.transport.abort()  # it came as this end stopped
            return
        task = asyncio.create_task(self._serve(reader, writer), name="handover")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        follower = _Follower(writer)
        self._followers.add(follower)
        try:
            for stream in self._streams:
                follower.begin(stream)
                await writer.drain()  # a window at a time: together they may be more than the bound
            await reader.read(1)
        except OSError:
            pass  # it has gone
        finally:
            self._followers.discard(follower)
            follower.end()
            self.cut_off += follower.cut_off
            if follower.cut_off:
                log.warning("a process that follows HLS windows read too slowly and was cut off")
            writer.transport.abort()


class Followed:
    """The windows of another process, here. ``run()`` is its owner's task."""

    def __init__(self, path: str, settings: config.Relay) -> None:
        self._path = path
        self._settings = settings
        self._windows: dict[str, Hls] = {}
        self._complaint = ""
        self.connected = False

    def get(self, stream_id: str) -> Hls:
        """Raises UnknownStream."""
        try:
            return self._windows[stream_id]
        except KeyError:
            raise UnknownStream(stream_id) from None

    async def run(self) -> None:
        """Follows until cancelled; where the line breaks, windows stay as they are and it begins
        anew.
        """
        while True:
            try:
                await self._follow()
            except (OSError, asyncio.IncompleteReadError) as error:
                self._complain(f"{error or type(error).__name__}")
            except (HandoverBroken, StateRefused) as error:
                self._complain(str(error))
            finally:
                self.connected = False
            await asyncio.sleep(AGAIN_SECONDS)

    async def _follow(self) -> None:
        reader, writer = await asyncio.open_unix_connection(self._path)
        heirs: dict[str, Heir] = {}
        try:
            while True:
                stream_id, message = await next_frame(reader)
                if stream_id not in heirs:
                    window = self._windows.setdefault(stream_id, Hls(stream_id, self._settings))
                    heirs[stream_id] = Heir(stream_id, window)
                heirs[stream_id].take(message)
                if not self.connected:
                    self.connected, self._complaint = True, ""
                    log.info("following", path=self._path)
        finally:
            writer.transport.abort()

    def _complain(self, reason: str) -> None:
        # Once for each reason: an origin that is down is asked every second.
        if reason != self._complaint:
            self._complaint = reason
            log.warning("HLS windows cannot be followed", path=self._path, reason=reason)


@contextlib.contextmanager
def _owner_only() -> Iterator[None]:
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)
