"""A server with ``/publish/{stream}`` alone, and a client that knows its messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web

from streamd import config
from streamd.keys import KeyRecord
from streamd.relay.lifecycle import StreamState
from streamd.relay.stream import Stream
from streamd.relay.streams import Streams
from streamd.web import publishing
from streamd.web.problems import problems
from streamd.web.services import SERVICES, Services
from tests.media import frames

DEADLINE = 20.0


class Keys:
    """Every key is stream ``s``'s."""

    async def check(self, key: str | None, stream: str) -> KeyRecord:
        return KeyRecord(id="k", scope="stream", stream="s", label="", created=0.0)


class Door:
    """A server with the publish route alone, and its stream."""

    def __init__(self, publishers: int = 4, streams: Streams | None = None) -> None:
        self.streams = streams or Streams(config.Relay())
        self.app = web.Application(middlewares=[problems])
        self.app[SERVICES] = cast(
            Services,
            SimpleNamespace(
                config=config.Config(webrtc=config.WebRtc(publishers=publishers)),
                streams=self.streams,
                keys=Keys(),
            ),
        )
        publishing.add_publish_sockets(self.app, publishers)
        self.app.add_routes(publishing.routes)
        self.runner = web.AppRunner(self.app, shutdown_timeout=5.0)
        self.session = ClientSession()

    @property
    def stream(self) -> Stream:
        return self.streams.add("s")

    async def connect(self, hello: bool = True, **fields: object) -> ClientWebSocketResponse:
        port = self.runner.addresses[0][1]
        socket = await self.session.ws_connect(f"http://127.0.0.1:{port}/publish/s")
        if hello:
            await socket.send_json({"type": "hello", "v": 1, "key": "k", **fields})
        return socket

    async def live(self) -> ClientWebSocketResponse:
        socket = await self.connect()
        for message in frames.broadcast():
            await socket.send_bytes(message)
        await until(lambda: self.stream.state is StreamState.LIVE)
        return socket


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():
            await asyncio.sleep(0.01)


async def hear(socket: ClientWebSocketResponse, wanted: str) -> dict[str, Any]:
    """The next message of that type."""
    async with asyncio.timeout(DEADLINE):
        while True:
            message: dict[str, Any] = json.loads(await socket.receive_str())
            if message["type"] == wanted:
                return message


async def closed(socket: ClientWebSocketResponse) -> int | None:
    async with asyncio.timeout(DEADLINE):
        while (await socket.receive()).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED):
            pass
    return socket.close_code


@asynccontextmanager
async def standing(publishers: int = 4) -> AsyncIterator[Door]:
    door = Door(publishers)
    await door.runner.setup()
    await web.TCPSite(door.runner, "127.0.0.1", 0).start()
    try:
        yield door
    finally:
        await door.session.close()
        await door.runner.cleanup()
        await door.streams.close()
