"""What stands before aiohttp on each connection: answers at once what is in memory already.

A part of a live broadcast is asked for by every viewer, and for aiohttp a request costs several
times what sending the bytes does. So a plain GET that ``answer`` has bytes for is answered as it
arrives; everything else passes on to aiohttp.

It answers only while all that aiohttp has ever had of the connection was whole heads without
bodies, one at a time, each answered before the next came: then no byte can belong to anything
that aiohttp has begun with, and responses keep their order (RFC 9112 section 11.2). After anything
else, half a head among it, the connection is aiohttp's until it ends.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, cast

from aiohttp import web

Answer = Callable[[bytes], "Sequence[bytes | memoryview] | None"]
"""Gives what is to be sent for a path, or None where aiohttp is to see the request."""

IDLE_SECONDS: Final = 75.0
"""A connection that asks for nothing is closed after this much silence, here as by aiohttp. What
its reader has not taken by then is thrown away."""

_LONGEST: Final = 8_190
_HEAD: Final = re.compile(
    rb"(?:GET|HEAD) /[!-~]* HTTP/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*\r\n)+\r\n"
)
"""A request's head as RFC 9112 writes it, nothing that anybody could read in another way."""
_NAME: Final = re.compile(rb"\n([^:]+):[\t ]*([^\r]*)")
_BEGINS_MORE: Final = frozenset(
    (b"content-length", b"expect", b"http2-settings", b"transfer-encoding", b"upgrade")
)
_CONNECTION: Final = (b"connection", b"proxy-connection")
_CONDITIONS: Final = (b"\nrange:", b"\nif-")

for _needed in ("_waiter", "_next_keepalive_close_time"):
    if not hasattr(web.RequestHandler, _needed):
        raise ImportError(
            f"aiohttp's RequestHandler has no {_needed} any more: see streamd/web/front.py."
        )


def is_whole(data: bytes) -> bool:
    """Whether ``data`` is one request without a body, no more, and the connection goes on."""
    if len(data) > _LONGEST or _HEAD.fullmatch(data) is None:
        return False
    hosts = 0
    for name, value in _NAME.findall(data.lower()):
        if name in _BEGINS_MORE or (name in _CONNECTION and value.strip() != b"keep-alive"):
            return False
        hosts += name == b"host"
    return hosts == 1


# A crowd's players of one make ask for a part in the very same bytes.
@lru_cache(maxsize=512)
def plain_path(data: bytes, prefix: bytes) -> bytes | None:
    """The path of ``data``: one whole GET below ``prefix``, without query, range or condition."""
    if not data.startswith(b"GET " + prefix) or not is_whole(data):
        return None
    end = data.find(b"\r\n")
    fields = data[end:].lower()
    if any(name in fields for name in _CONDITIONS):
        return None
    path = data[4 : end - 9]
    return None if b"?" in path or b"%" in path else path


class Front(asyncio.Protocol):
    """One connection; ``inner`` is aiohttp's protocol for it."""

    def __init__(self, inner: web.RequestHandler, prefix: bytes, answer: Answer) -> None:
        self._inner = inner
        self._prefix = prefix
        self._begins = b"GET " + prefix
        self._answer = answer
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._is_new = True
        self._is_clean = True
        self._loop = asyncio.get_running_loop()
        self._was_closing = False
        self._look_at: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        self._inner.connection_made(transport)
        self._look_at = self._loop.call_later(IDLE_SECONDS, self._look)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._is_clean:
            # Before its task has begun aiohttp does not wait, and has nothing either.
            is_free = self._is_new or self._is_waiting()
            if is_free and not self._paused and data.startswith(self._begins):
                path = plain_path(data, self._prefix)
                pieces = None if path is None else self._answer(path)
                if pieces is not None:
                    self._send(pieces)
                    return
            self._is_clean = is_free and is_whole(data)
            self._is_new = False
        self._inner.data_received(data)
        if self._is_waiting():
            self._is_clean = False  # else aiohttp would have begun with a request

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
        if self._look_at is not None:
            self._look_at.cancel()
        self._inner.connection_lost(exc)

    def _is_waiting(self) -> bool:
        waiter = self._inner._waiter
        return waiter is not None and not waiter.done()

    def _send(self, pieces: Sequence[bytes | memoryview]) -> None:
        assert self._transport is not None
        self._transport.writelines(pieces)
        # aiohttp sees none of this, and would close the connection under its user.
        self._inner._next_keepalive_close_time = self._loop.time() + IDLE_SECONDS

    def _look(self) -> None:
        """Closes what is idle, and ends what its reader keeps from closing."""
        assert self._transport is not None
        wait = IDLE_SECONDS
        if self._transport.is_closing():
            if self._was_closing:
                self._transport.abort()
                return
            self._was_closing = True
        elif self._is_waiting():
            wait = self._inner._next_keepalive_close_time - self._loop.time()
            if wait <= 0:
                self._end()
                return
        self._look_at = self._loop.call_later(wait, self._look)

    def _end(self) -> None:
        assert self._transport is not None
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
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
