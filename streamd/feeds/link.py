"""The sending side of one connection: frames go straight to the socket while it takes them.

A connection is *idle* while nothing of it waits anywhere. An idle plain-TCP connection is written
by one ``write(2)`` of the shared frame, without the event loop between; what the kernel does not
take goes to the asyncio transport, and everything after that waits in the ``Outbox`` until the
transport is empty again. So at most ``transport_bytes`` of a connection sit in its transport.

The transport must be set to pause as soon as it holds a single byte (``write_limits``), and its
``pause_writing`` and ``resume_writing`` must reach ``paused`` and ``resumed``. The descriptor is
only used between ``connection_made`` and ``connection_lost``: asyncio and uvloop close a socket
after the latter, so a descriptor that already belongs to somebody else is never written.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from streamd.feeds.outbox import MediaFrame, Outbox
from streamd.feeds.protocol import Encoding


@dataclass(frozen=True, slots=True)
class Limits:
    """A connection's bounds in bytes: its transport, its waiting replies, its waiting parts."""

    transport_bytes: int
    reply_bytes: int
    part_bytes: int


def write_limits(tls: bool) -> tuple[int, int]:
    """The (high, low) water marks with which ``pause_writing`` means "holds a byte".

    A plain transport pauses above its high mark, a TLS one at it.
    """
    return (1, 0) if tls else (0, 0)


class Link:
    """One connection's way out. ``idle`` is true while ``deliver`` may write to ``fd`` itself."""

    __slots__ = (
        "_head",
        "_limits",
        "_outbox",
        "_paused",
        "_sealed",
        "_transport",
        "encoding",
        "fd",
        "idle",
    )

    def __init__(
        self, transport: asyncio.Transport, encoding: Encoding, limits: Limits, fd: int = -1
    ) -> None:
        """``fd`` is the socket's descriptor, -1 where bytes must pass the transport (TLS)."""
        self.encoding = encoding
        self.fd = fd
        self.idle = fd >= 0
        self._transport = transport
        self._limits = limits
        self._head: memoryview | None = None
        self._outbox: Outbox | None = None
        self._paused = False
        self._sealed = False

    def reply(self, *pieces: bytes, bounded: bool = True) -> None:
        """Sends one frame, given in pieces, ahead of everything but earlier replies.

        Raises ReplyOverflow where the client leaves too many replies unread; ``bounded=False``
        is for a joiner's replay.
        """
        if self.idle and len(pieces) == 1:
            # Nearly every reply: the crowd's.
            try:
                sent = os.write(self.fd, pieces[0])
            except BlockingIOError:
                sent = 0
            except OSError:
                self.seal()
                return
            if sent != len(pieces[0]):
                self.rest(pieces[0], sent)
            return
        if not self._free:
            self._box.reply(*pieces, bounded=bounded)
            self._drain()
            return
        for position, piece in enumerate(pieces, 1):
            if not self._write(piece):
                if position < len(pieces):
                    self._box.reply(*pieces[position:], bounded=bounded, begun=True)
                return

    def publish(self, channel: str, frame: bytes) -> bool:
        """Sends ``channel``'s newest publication now or, conflated, when there is room.

        True where it took the place of an older one that was still waiting.
        """
        if self._free:
            self._write(frame)
            return False
        conflated = self._box.publish(channel, frame)
        self._drain()
        return conflated

    def part(self, channel: str, part: MediaFrame) -> int:
        """Sends a media part now or when there is room. Returns how many parts were dropped."""
        if self._free:
            self._write(part.frame)
            return 0
        dropped = self._box.part(channel, part)
        self._drain()
        return dropped

    def await_key(self, channel: str) -> None:
        """Passes over ``channel``'s parts until its next keyframe."""
        self._box.await_key(channel)

    def forget(self, channel: str) -> None:
        """Drops what waits for ``channel``: its subscription has ended."""
        if self._outbox is not None:
            self._outbox.forget(channel)
            self._drain()

    def rest(self, frame: bytes, sent: int) -> None:
        """Takes over a frame of which ``deliver`` could write only ``sent`` bytes."""
        self.idle = False
        self._head = memoryview(frame)[sent:]
        if self._push_head():
            self.idle = True

    def paused(self) -> None:
        """The transport holds bytes."""
        self._paused = True
        self.idle = False

    def resumed(self) -> None:
        """The transport is empty."""
        if not self._sealed:
            self._paused = False
            self._drain()

    def finish_frame(self) -> None:
        """Hands what is left of a begun frame to the transport, however long.

        For whoever is about to write to the transport by itself: a control frame in the middle of
        another frame's bytes would be read as part of them.
        """
        head, self._head = self._head, None
        if head is not None:
            self._transport.write(head)
        if self._outbox is not None and (rest := self._outbox.rest_of_frame()):
            self._transport.write(rest)

    def seal(self) -> None:
        """Nothing more is sent, but a frame already begun is handed over whole.

        After this a close frame may follow in the transport.
        """
        self.finish_frame()
        self._sealed = self._paused = True
        self.idle = False
        self.fd = -1
        self._outbox = None

    @property
    def settled(self) -> bool:
        """True where nothing waits, or nothing will be sent any more."""
        return self._sealed or self._free

    @property
    def _free(self) -> bool:
        return not self._paused and self._outbox is None

    @property
    def _box(self) -> Outbox:
        if self._outbox is None:
            self.idle = False
            self._outbox = Outbox(self._limits.reply_bytes, self._limits.part_bytes)
        return self._outbox

    def _drain(self) -> None:
        if self._paused or not self._push_head():
            return
        outbox = self._outbox
        if outbox is not None:
            while (piece := outbox.take()) is not None:
                if not self._write(piece):
                    return
            if not outbox.quiet:
                return
            self._outbox = None
        self.idle = self.fd >= 0

    def _write(self, piece: bytes) -> bool:
        """Writes ``piece``; False where the transport must drain before the next one."""
        sent = 0
        if self.fd >= 0:
            try:
                sent = os.write(self.fd, piece)
            except BlockingIOError:
                pass
            except OSError:
                # The peer is gone; the event loop sees it too and ends the connection.
                self.seal()
                return False
            if sent == len(piece):
                return True
        self._head = memoryview(piece)[sent:]
        return self._push_head()

    def _push_head(self) -> bool:
        """Hands the begun frame to the transport, ``transport_bytes`` at a time."""
        step = self._limits.transport_bytes
        while self._head is not None:
            if self._paused:
                return False
            chunk, rest = self._head[:step], self._head[step:]
            self._head = rest if rest else None
            self._transport.write(chunk)
        return not self._paused


def deliver(links: Iterable[Link], frame: bytes, waiting: Callable[[Link], None]) -> int:
    """Writes one frame to every idle link and calls ``waiting`` for each of the others.

    Returns how many had to wait. This loop is the whole cost of a delivery, so it makes
    no object and looks nothing up: one attribute, one system call, one comparison.
    """
    write = os.write
    length = len(frame)
    others = 0
    for link in links:
        if link.idle:
            try:
                sent = write(link.fd, frame)
            except BlockingIOError:
                sent = 0
            except OSError:
                link.seal()
                continue
            if sent != length:
                link.rest(frame, sent)
        else:
            others += 1
            waiting(link)
    return others
