"""RTMP's figures: what stands, what was turned away, what could not be read."""

from __future__ import annotations

import asyncio

from prometheus_client import CollectorRegistry

from streamd.rtmp.commands import command
from streamd.rtmp.metrics import RtmpCollector
from tests.polling.conftest import Server as StoreServer
from tests.rtmp.encoder import publish, publishing, video
from tests.rtmp.rtmp_server import listening, until

UNREADABLE = b"\x27\x01\0\0\0\x7f\xff\xff\xff" + bytes(9)


async def test_the_server_tells_of_its_connections_and_of_broken_messages(
    valkey: StoreServer,
) -> None:
    async with listening(valkey, connections=1) as ground:
        registry = CollectorRegistry()
        registry.register(RtmpCollector(ground.server))

        def value(name: str, **labels: str) -> float | None:
            return registry.get_sample_value(f"streamd_rtmp_{name}", labels)

        assert value("turned_away_total") == 0
        async with publishing(ground.server.port, ground.key) as encoder:
            assert value("connections", state="publishing") == 1
            encoder.send(video(0, UNREADABLE))
            await until(lambda: value("broken_total") == 1)
            reader, writer = await asyncio.open_connection("127.0.0.1", ground.server.port)
            assert await asyncio.wait_for(reader.read(), 20) == b""
            writer.close()
            assert value("turned_away_total") == 1
            encoder.send(command("FCUnpublish", 6.0, None, "alef"), publish(ground.key))
            assert (await encoder.status())["code"] == "NetStream.Unpublish.Success"
            assert (await encoder.status())["code"] == "NetStream.Publish.Start"
            encoder.send(video(0, UNREADABLE))
            await until(lambda: value("broken_total") == 2)
        await until(lambda: len(ground.server) == 0)
        assert value("broken_total") == 2
        assert value("connections", state="publishing") == 0
