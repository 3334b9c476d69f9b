"""Answers made once and sent to many: a head and a body that are bytes already.

They go to the transport as they are. The middlewares take them for sent (``prepared``) and add
nothing: whatever belongs on them stands in their head.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from email.utils import formatdate

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

DRAIN_SECONDS = 75.0
"""What a reader has not taken by then is thrown away, and its connection with it."""

_HEADERS = {
    "Server": "streamd",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",
}


class _Clock:
    """The Date header (RFC 9110 section 6.6.1), written once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._line = b""

    def line(self) -> bytes:
        """The header's line and the empty one that ends a head."""
        now = int(time.time())
        if now != self._second:
            self._second = now
            self._line = f"Date: {formatdate(now, usegmt=True)}\r\n\r\n".encode()
        return self._line


_clock = _Clock()


def date_line() -> bytes:
    """The Date header's line, and the empty one that ends a head."""
    return _clock.line()


def head(size: int, headers: Mapping[str, str]) -> bytes:
    """The head of a 200 with a body of ``size`` bytes, up to its Date."""
    lines = {**_HEADERS, **headers, "Content-Length": str(size)}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 200 OK\r\n{text}".encode()


class Made(web.StreamResponse):
    """A 200 whose bytes are ready. Takes no cookies, headers or compression."""

    def __init__(self, head: bytes, body: bytes) -> None:
        super().__init__()
        self._head = head
        self._bytes = body

    @property
    def prepared(self) -> bool:
        """True: nothing may be added."""
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Sends it all; waits while the reader is slow, for DRAIN_SECONDS at most.

        Raises ConnectionError where the reader is slower, as where it has gone.
        """
        self._keep_alive = request.keep_alive and request.version == HttpVersion11
        transport = request.transport
        if transport is None:
            return None
        ends = b"" if self._keep_alive else b"Connection: close\r\n"
        answer = [self._head, ends, _clock.line()]
        if request.method != "HEAD":
            answer.append(self._bytes)
        transport.writelines(answer)
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                await request.writer.drain()
        except TimeoutError:
            transport.abort()
            raise ConnectionResetError("The reader takes nothing.") from None
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to send."""
