"""What is answered before aiohttp, and what never is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio
from aiohttp import web

from streamd.web.front import Front, FrontSite, plain_path
from streamd.web.made import date_line, head

PREFIX = b"/hls/"
HOST = b"Host: x\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nhost:x\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n",
    ],
)
def test_a_plain_get_is_taken(data: bytes) -> None:
    assert plain_path(data, PREFIX) == b"/hls/a/b"


@pytest.mark.parametrize(
    "data",
    [
        b"HEAD /hls/a/b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /hls/a/b HTTP/1.0\r\nHost: x\r\n\r\n",
        b"GET /hls/a/b?x=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /hls/a/%62 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\n\r\nGET /hls/a/b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\nContent-Length : 4\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 9_000 + b"\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_anything_else_is_not(data: bytes) -> None:
    assert plain_path(data, PREFIX) is None


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    """A server whose aiohttp says ``slow`` where it is asked, and reads bodies."""

    async def slow(request: web.Request) -> web.Response:
        body = await request.read()
        await asyncio.sleep(float(request.query.get("wait", "0")))
        return web.Response(text=f"slow {request.path} {len(body)}")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", slow)
    runner = web.AppRunner(app)
    await runner.setup()

    def answer(path: bytes) -> Sequence[bytes] | None:
        return (head(4, {}), date_line(), b"fast") if path == b"/hls/fast" else None

    await FrontSite(runner, "127.0.0.1", 0, None, PREFIX, answer).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


class Talk:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, port: int) -> Talk:
        """Connects, and gives aiohttp a moment to wait for the first request."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.05)
        return cls(reader, writer)

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def hear(self) -> str:
        """The next answer's body."""
        async with asyncio.timeout(20):
            head = await self._reader.readuntil(b"\r\n\r\n")
            size = next(
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            )
            return (await self._reader.readexactly(size)).decode()

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


FAST = b"GET /hls/fast HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_fast_and_slow_share_a_connection(port: int) -> None:
    talk = await Talk.to(port)
    for _ in range(3):
        await talk.say(FAST)
        assert await talk.hear() == "fast"
        await talk.say(b"GET /hls/other HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await talk.hear() == "slow /hls/other 0"
    await talk.close()


async def test_answers_keep_their_order(port: int) -> None:
    talk = await Talk.to(port)
    await talk.say(b"GET /first?wait=0.3 HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.sleep(0.05)
    await talk.say(FAST)
    assert await talk.hear() == "slow /first 0"
    assert await talk.hear() == "slow /hls/fast 0", "aiohttp had the connection"
    await talk.close()


async def test_a_body_or_half_a_head_is_never_taken_for_a_request(port: int) -> None:
    talk = await Talk.to(port)
    await talk.say(b"POST /one HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(FAST))
    await asyncio.sleep(0.1)
    await talk.say(FAST)
    assert await talk.hear() == f"slow /one {len(FAST)}"
    await talk.say(b"GET /two HTTP/1.1\r\nX-Part: ")
    await asyncio.sleep(0.1)
    await talk.say(FAST)
    assert await talk.hear() == "slow /two 0", "it ended the head of the one before"
    await talk.say(FAST)
    assert await talk.hear() == "fast"
    await talk.close()


async def test_silence_closes_a_connection(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamd.web.front.IDLE_SECONDS", 0.2)
    talk = await Talk.to(port)
    await talk.say(FAST)
    assert await talk.hear() == "fast"
    async with asyncio.timeout(20):
        assert await talk._reader.read() == b""
    await talk.close()


def test_front_is_what_asyncio_expects() -> None:
    assert issubclass(Front, asyncio.Protocol)
