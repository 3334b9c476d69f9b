"""The listener: places, other protocols, the end."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from streamd.relay.lifecycle import StreamState
from streamd.rtmp.session import Session
from tests.polling.conftest import Server as StoreServer
from tests.rtmp.encoder import connected, publishing
from tests.rtmp.rtmp_server import listening, until
from tests.rtmp.test_session import send_start


async def test_a_full_house_gives_way_to_newcomers_but_not_who_publishes(
    valkey: StoreServer,
) -> None:
    async with (
        listening(valkey, connections=2) as ground,
        publishing(ground.server.port, ground.key) as encoder,
        connected(ground.server.port) as idler,
    ):
        send_start(encoder)
        await until(lambda: ground.stream.state is StreamState.LIVE and len(ground.server) == 2)
        other, _ = await ground.keys.add("be")
        async with publishing(ground.server.port, other):
            await idler.ends()
            assert ground.stream.source == "rtmp"
            reader, writer = await asyncio.open_connection("127.0.0.1", ground.server.port)
            assert await asyncio.wait_for(reader.read(), 20) == b""
            writer.close()
            assert ground.server.turned_away == 1
            assert ground.stream.state is StreamState.LIVE


async def test_other_protocols_are_closed_without_harm(valkey: StoreServer) -> None:
    async with listening(valkey) as ground:
        for first in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01" + bytes(600)):
            reader, writer = await asyncio.open_connection("127.0.0.1", ground.server.port)
            writer.write(first)
            writer.write_eof()
            assert await asyncio.wait_for(reader.read(), 20) == b""
            writer.close()
        async with publishing(ground.server.port, ground.key):
            assert ground.stream.source == "rtmp"


async def test_closing_tells_the_encoders_and_frees_the_port(valkey: StoreServer) -> None:
    async with listening(valkey) as ground:
        port = ground.server.port
        async with publishing(port, ground.key) as encoder:
            send_start(encoder)
            await until(lambda: ground.stream.state is StreamState.LIVE)
            closing = asyncio.create_task(ground.server.close())
            assert "restarts" in (await encoder.status())["description"]
            await encoder.ends()
        await closing
        assert (len(ground.server), ground.server.port) == (0, 0)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_a_fault_in_one_session_is_logged_and_touches_no_other(
    valkey: StoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        listening(valkey) as ground,
        publishing(ground.server.port, ground.key) as encoder,
    ):
        send_start(encoder)
        await until(lambda: ground.stream.state is StreamState.LIVE)

        async def fail(self: Session) -> None:
            raise RuntimeError("a bug")

        monkeypatch.setattr(Session, "_serve", fail)
        with capture_logs() as lines:
            async with connected(ground.server.port) as other:
                await other.reader.read()
            await until(lambda: "an RTMP session failed" in [line["event"] for line in lines])
        assert ground.stream.state is StreamState.LIVE
