"""What is answered before aiohttp, and what never is."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from streamd.certificates import self_signed, server_context
from streamd.web import front, made
from streamd.web.front import Front, FrontSite, plain_path
from streamd.web.made import Made, date_line, head

PREFIX = b"/hls/"
MUCH = bytes(32 << 20)


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
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\nConnection:close\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, close\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\nProxy-Connection: close\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\nX: a\x07b\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n",
        b"GET /hls/a/b HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_anything_else_is_not(data: bytes) -> None:
    assert plain_path(data, PREFIX) is None


@asynccontextmanager
async def served(tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server whose aiohttp says ``slow`` where it is asked, and reads bodies. Yields its port."""

    async def slow(request: web.Request) -> web.StreamResponse:
        if request.path == "/made":
            return Made(head(len(MUCH), {}), MUCH)
        body = await request.read()
        await asyncio.sleep(float(request.query.get("wait", "0")))
        return web.Response(text=f"slow {request.path} {len(body)}")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", slow)
    runner = web.AppRunner(app, keepalive_timeout=front.IDLE_SECONDS)
    await runner.setup()
    bodies = {b"/hls/fast": b"fast", b"/hls/much": MUCH}

    def answer(path: bytes) -> Sequence[bytes] | None:
        body = bodies.get(path)
        return None if body is None else (head(len(body), {}), date_line(), body)

    await FrontSite(runner, "127.0.0.1", 0, tls, PREFIX, answer).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    """A server in plain HTTP."""
    async with served() as number:
        yield number


class Talk:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, port: int, tls: ssl.SSLContext | None = None) -> Talk:
        """Connects, and gives aiohttp a moment to wait for the first request."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
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
    assert await talk.hear() == "slow /hls/fast 0", "the connection is aiohttp's from there on"
    await talk.close()


async def test_silence_closes_a_connection(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamd.web.front.IDLE_SECONDS", 0.2)
    talk = await Talk.to(port)
    await talk.say(FAST)
    assert await talk.hear() == "fast"
    async with asyncio.timeout(20):
        assert await talk._reader.read() == b""
    await talk.close()


POST_HALF = b"POST /one HTTP/1.1\r\nContent-Length: 2\r\nX-A: "


async def test_half_a_head_before_aiohttp_has_begun_is_half_a_head(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first bytes may come before aiohttp's task has run, which then does not wait yet."""
    made = Front.connection_made

    def with_bytes(self: Front, transport: asyncio.BaseTransport) -> None:
        made(self, transport)
        self.data_received(POST_HALF)

    monkeypatch.setattr(Front, "connection_made", with_bytes)
    talk = await Talk.to(port)
    await talk.say(FAST)
    await asyncio.sleep(0.05)
    await talk.say(b"{}")
    assert await talk.hear() == "slow /one 2"
    await talk.close()


async def test_the_first_request_of_all_may_come_at_once(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    talk = Talk(reader, writer)
    await talk.say(FAST)
    assert await talk.hear() == "fast"
    await talk.close()


async def test_a_whole_request_with_half_of_the_next_behind_it(port: int) -> None:
    talk = await Talk.to(port)
    await talk.say(b"GET /first HTTP/1.1\r\nHost: x\r\n\r\n" + POST_HALF)
    assert await talk.hear() == "slow /first 0"
    await asyncio.sleep(0.05)
    await talk.say(FAST)
    await asyncio.sleep(0.05)
    await talk.say(b"{}")
    assert await talk.hear() == "slow /one 2"
    await talk.close()


async def test_half_a_head_under_tls(tmp_path: Path) -> None:
    tls = self_signed(tmp_path, [])
    trusting = ssl.create_default_context(cafile=tls.cert)
    trusting.check_hostname = False
    async with served(server_context(tls)) as port:
        talk = await Talk.to(port, trusting)
        await talk.say(FAST)
        assert await talk.hear() == "fast"
        await talk.say(b"GET /first HTTP/1.1\r\nHost: x\r\n\r\n" + POST_HALF)
        assert await talk.hear() == "slow /first 0"
        await talk.say(FAST)
        await asyncio.sleep(0.05)
        await talk.say(b"{}")
        assert await talk.hear() == "slow /one 2"
        await talk.close()


async def test_use_keeps_a_connection_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "IDLE_SECONDS", 1.0)
    async with served() as port:
        talk = await Talk.to(port)
        for _ in range(4):
            await talk.say(FAST)
            assert await talk.hear() == "fast"
            await asyncio.sleep(0.3)
        for _ in range(4):
            await talk.say(b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await talk.hear() == "slow /other 0"
            await asyncio.sleep(0.3)
        await talk.close()


@pytest.mark.parametrize("path", ["/hls/much", "/made"])
async def test_who_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(front, "IDLE_SECONDS", 0.3)
    monkeypatch.setattr(made, "DRAIN_SECONDS", 0.3)
    async with served() as port:
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(raw, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await asyncio.sleep(1.2)
            got = 0
            async with asyncio.timeout(20):
                while piece := await loop.sock_recv(raw, 1 << 20):
                    got += len(piece)
            assert got < len(MUCH)


def test_front_is_what_asyncio_expects() -> None:
    assert issubclass(Front, asyncio.Protocol)
