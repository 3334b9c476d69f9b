"""A narrow line in front of the gateway: bytes reach the browser no faster than the rate allows."""

from __future__ import annotations

import asyncio
import contextlib
import socket

CHUNK = 4_096
BUFFER = 16_384


class NarrowLine:
    """A proxy on a port of its own; ``bytes_per_second`` counts toward the browser."""

    def __init__(self, target_port: int, bytes_per_second: int) -> None:
        self._target = target_port
        self._rate = bytes_per_second
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> None:
        """Listens on a free port."""
        self._server = await asyncio.start_server(self._accept, "localhost", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cuts every connection."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, browser: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.get_running_loop().create_task(self._carry(browser, back)))

    async def _carry(self, browser: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        # Small buffers: what waits must wait at the gateway, not here.
        upstream = socket.socket()
        upstream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        upstream.setblocking(False)
        await asyncio.get_running_loop().sock_connect(upstream, ("127.0.0.1", self._target))
        gateway, forth = await asyncio.open_connection(sock=upstream, limit=CHUNK)
        ways = [
            asyncio.ensure_future(_pour(browser, forth, 0.0)),
            asyncio.ensure_future(_pour(gateway, back, CHUNK / self._rate)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            forth.close()
            back.close()


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter, pause: float) -> None:
    """Carries bytes until one end closes."""
    with contextlib.suppress(OSError):
        while chunk := await source.read(CHUNK):
            target.write(chunk)
            await target.drain()
            await asyncio.sleep(pause)
