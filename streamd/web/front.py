"""What stands before aiohttp on each connection: answers at once what is in memory already.

A part of a live broadcast is asked for by every viewer, and for aiohttp a request costs several
times what sending the bytes does. So a plain GET that ``answer`` has bytes for is answered as it
arrives; everything else passes on to aiohttp, whole connections included.

It answers only while aiohttp waits for a next request on that connection, and only what comes as
one piece with nothing before or behind it: responses keep their order, and no body or half a head
is ever taken for a request (RFC 9112 section 11.2).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, cast

from aiohttp import web

Answer = Callable[[bytes], "Sequence[bytes | memoryview] | None"]
"""Gives what is to be sent for a path, or None where aiohttp is to see the request."""

IDLE_SECONDS: Final = 75.0
"""A connection that only asked for such things is closed after this much silence, as aiohttp's."""

_LONGEST: Final = 8_190
_NOT_PLAIN: Final = (
    b"\ncontent-length",
    b"\ntransfer-encoding",
    b"\nconnection: close",
    b"\nupgrade",
    b"\nexpect",
)

if not hasattr(web.RequestHandler, "_waiter"):
    raise ImportError("aiohttp's RequestHandler has no _waiter any more: see streamd/web/front.py.")


# A crowd's players of one make ask for a part in the very same bytes.
@lru_cache(maxsize=512)
def plain_path(data: bytes, prefix: bytes) -> bytes | None:
    """The path of ``data`` where it is one whole GET below ``prefix`` without query or body."""
    if not data.startswith(b"GET " + prefix) or not data.endswith(b"\r\n\r\n"):
        return None
    end = data.find(b"\r\n")
    if data[end - 9 : end] != b" HTTP/1.1" or data.find(b"\r\n\r\n") != len(data) - 4:
        return None
    fields = data[end:].lower()
    if len(data) > _LONGEST or b"\nhost:" not in fields:
        return None
    if any(name in fields for name in _NOT_PLAIN):
        return None
    path = data[4 : end - 9]
    return None if b"?" in path or b" " in path or b"%" in path else path


class Front(asyncio.Protocol):
    """One connection; ``inner`` is aiohttp's protocol for it."""

    def __init__(self, inner: web.RequestHandler, prefix: bytes, answer: Answer) -> None:
        self._inner = inner
        self._prefix = prefix
        self._answer = answer
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._has_half = False
        self._loop = asyncio.get_running_loop()
        self._answered_at = 0.0
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if not self._paused and not self._has_half and self._is_waiting():
            path = plain_path(data, self._prefix)
            pieces = None if path is None else self._answer(path)
            if pieces is not None:
                self._send(pieces)
                return
        self._inner.data_received(data)
        self._has_half = self._is_waiting()  # else aiohttp would have begun with a request

    def eof_received(self) -> None:
        """See asyncio.Protocol."""
        self._inner.eof_received()

    def pause_writing(self) -> None:
        """See asyncio.Protocol: from here on aiohttp answers, which waits for the reader."""
        self._paused = True
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._paused = False
        self._inner.resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        """See asyncio.Protocol."""
        if self._idle is not None:
            self._idle.cancel()
        self._inner.connection_lost(exc)

    def _is_waiting(self) -> bool:
        waiter = self._inner._waiter
        return waiter is not None and not waiter.done()

    def _send(self, pieces: Sequence[bytes | memoryview]) -> None:
        assert self._transport is not None
        self._transport.writelines(pieces)
        self._answered_at = self._loop.time()
        if self._idle is None:
            self._idle = self._loop.call_later(IDLE_SECONDS, self._look)

    def _look(self) -> None:
        assert self._transport is not None
        left = self._answered_at + IDLE_SECONDS - self._loop.time()
        self._idle = None
        if left > 0:
            self._idle = self._loop.call_later(left, self._look)
        elif self._is_waiting():
            self._transport.close()


class FrontSite(web.TCPSite):
    """A TCPSite whose connections have a Front."""

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        ssl_context: ssl.SSLContext | None,
        prefix: bytes,
        answer: Answer,
    ) -> None:
        super().__init__(runner, host, port, ssl_context=ssl_context)
        self._front = prefix, answer

    async def start(self) -> None:
        """See web.TCPSite."""
        await web.BaseSite.start(self)
        server = self._runner.server
        assert server is not None
        prefix, answer = self._front

        def connected() -> Front:
            return Front(server(), prefix, answer)

        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            connected, self._host, self._port, ssl=self._ssl_context, backlog=self._backlog
        )
