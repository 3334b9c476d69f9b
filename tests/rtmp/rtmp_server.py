"""A listening RtmpServer over real streams and real keys, and what came out of a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
from redis.asyncio import Redis

from streamd import config
from streamd.keys import StreamKeys
from streamd.media.units import Kind, Unit
from streamd.relay.notices import NoticeCode
from streamd.relay.stream import Stream
from streamd.relay.streams import Streams
from streamd.rtmp.server import RtmpServer
from tests.polling.conftest import Server as StoreServer

SETTINGS = config.Rtmp(port=0)


@dataclass
class Ground:
    """The server, its stream ``alef`` and that stream's key."""

    server: RtmpServer
    streams: Streams
    keys: StreamKeys
    stream: Stream
    key: str

    @property
    def address(self) -> str:
        return f"rtmp://127.0.0.1:{self.server.port}/live"

    @property
    def url(self) -> str:
        """Where the holder of the key publishes."""
        return f"{self.address}/alef?key={self.key}"

    def codes(self) -> set[NoticeCode]:
        """What the broadcaster is told now."""
        return {notice.code for notice in self.stream.notices}


@asynccontextmanager
async def listening(valkey: StoreServer, **settings: object) -> AsyncIterator[Ground]:
    client = Redis.from_url(valkey.url)
    streams, keys = Streams(config.Relay()), StreamKeys(lambda: client)
    server = RtmpServer(msgspec.structs.replace(SETTINGS, **settings), streams, keys)
    await server.start()
    stream = streams.add("alef")
    key, _ = await keys.add("alef")
    try:
        yield Ground(server, streams, keys, stream, key)
    finally:
        await server.close()
        await streams.close()
        await client.aclose()


@dataclass
class Output:
    """The units of a stream."""

    units: list[Unit] = field(default_factory=list)

    def of(self, kind: Kind) -> list[Unit]:
        return [unit for unit in self.units if unit.kind == kind]


@asynccontextmanager
async def units_of(stream: Stream) -> AsyncIterator[Output]:
    """Collects the stream's units while inside."""
    output = Output()
    subscriber = stream.subscribe("test")

    async def collect() -> None:
        async for unit in subscriber:
            output.units.append(unit)

    async with asyncio.TaskGroup() as group:
        group.create_task(collect())
        try:
            yield output
        finally:
            subscriber.close()


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Waits for a condition, with a generous deadline."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
