"""What a stranger may send over a WebSocket before it is known who it is.

aiohttp fixes a socket's largest message when the socket is opened, and a message grows in memory
until it is whole. Where small messages come first and large ones only from somebody with a key, a
gate stands between the transport and aiohttp until the key has been checked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast


class Gate(asyncio.Protocol):
    """Passes on ``limit`` bytes; what comes after them waits, most of it in the kernel.

    It stands from its making until ``open``. ``on_full`` is called once, with the first byte past
    the limit. Held here is at most what one read brought (and once more where aiohttp, whose own
    queue had been full, begins to read again).
    """

    def __init__(
        self, transport: asyncio.Transport, limit: int, on_full: Callable[[], None]
    ) -> None:
        self._transport = transport
        self._inner = cast(asyncio.Protocol, transport.get_protocol())
        self._left = limit
        self._held = bytearray()
        self._on_full = on_full
        self._full = False
        transport.set_protocol(self)

    def open(self) -> None:
        """Passes on what waits, and stands aside. May be called twice."""
        if self._transport.get_protocol() is not self:
            return
        self._transport.set_protocol(self._inner)
        if self._held:
            self._inner.data_received(bytes(self._held))
            self._held.clear()
        if self._full and not self._transport.is_closing():
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        passed, kept = data[: self._left], data[self._left :]
        self._left -= len(passed)
        if passed:
            self._inner.data_received(passed)
        if not kept:
            return
        self._held += kept
        self._transport.pause_reading()
        if not self._full:
            self._full = True
            self._on_full()

    def eof_received(self) -> bool | None:
        """See asyncio.Protocol."""
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._inner.resume_writing()
