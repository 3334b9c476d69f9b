"""The server of the fan-out: ``python -m loadtests.fanout_server streamd|broadcast PING``.

``streamd`` is the gateway and the hub as the app runs them; ``broadcast`` is the peer that the
``websockets`` library itself offers. PING is the seconds between pings. Each says ``{"port": n}``,
then answers commands:

- ``{"do": "publish", "rate", "seconds", "bytes"}`` publishes messages of ``bytes`` and answers
  ``{"published", "cpu": seconds of CPU time, "wall"}``
- ``{"do": "count"}`` answers ``{"subscribers"}``; ``{"do": "cpu"}`` answers ``{"cpu"}``
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from loadtests.commands import answer, commands
from streamd import config
from streamd.errors import Unauthenticated
from streamd.feeds import protocol
from streamd.feeds.gateway import Gateway
from streamd.feeds.hub import Hub
from streamd.identity import Identity

CHANNEL = "poll:load"
SETTLE_SECONDS = 0.2

Publish = Callable[[int, int], None]
"""Publishes message ``number`` in ``size`` bytes."""


def tally(number: int, size: int) -> dict[str, object]:
    """A tally that fills a JSON publication of ``size`` bytes, its offset being ``number``."""
    payload: dict[str, object] = {
        "poll": "load",
        "state": "open",
        "seq": number,
        "total": number,
        "counts": {"1": number, "2": 0},
        "pad": "",
    }
    bare = len(protocol.JSON.pack(protocol.publication(CHANNEL, payload, number)))
    payload["pad"] = "x" * max(0, size - bare)
    return payload


@contextlib.asynccontextmanager
async def streamd_server(
    ping_seconds: int,
) -> AsyncIterator[tuple[int, Publish, Callable[[], int]]]:
    """The real gateway: its port, how to publish, how many are subscribed."""
    hub = Hub()

    async def snapshot(name: str) -> dict[str, object]:
        return {"poll": name, "state": "open", "seq": 0, "total": 0, "counts": {"1": 0, "2": 0}}

    def refuse(_token: str) -> Identity:
        raise Unauthenticated("This load test has no voters: every connection is anonymous.")

    hub.provide("poll", snapshot)
    settings = config.Feeds(port=0, ping_seconds=ping_seconds)
    gateway = Gateway(settings, hub, refuse, {})
    await gateway.start()
    try:
        yield (
            gateway.port,
            lambda number, size: hub.publish(CHANNEL, tally(number, size)),
            lambda: hub.subscribers(CHANNEL),
        )
    finally:
        await gateway.stop(0.1)


@contextlib.asynccontextmanager
async def broadcast_server(
    _ping_seconds: int,
) -> AsyncIterator[tuple[int, Publish, Callable[[], int]]]:
    """``websockets.broadcast()`` of the same text to the same connections."""
    connections: set[ServerConnection] = set()

    async def serve_one(connection: ServerConnection) -> None:
        connections.add(connection)
        try:
            with contextlib.suppress(ConnectionClosed):
                async for _ in connection:
                    pass
        finally:
            connections.discard(connection)

    def publish(number: int, size: int) -> None:
        message = protocol.publication(CHANNEL, tally(number, size), number)
        broadcast(connections, protocol.JSON.pack(message).decode())

    async with serve(serve_one, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield port, publish, lambda: len(connections)


async def _publish(publish: Publish, first: int, command: dict[str, Any]) -> dict[str, Any]:
    count = int(command["rate"] * command["seconds"])
    started, cpu = time.monotonic(), time.process_time()
    for number in range(count):
        publish(first + number, command["bytes"])
        due = started + (number + 1) / command["rate"]
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    wall = time.monotonic() - started
    await asyncio.sleep(SETTLE_SECONDS)
    return {"published": count, "cpu": time.process_time() - cpu, "wall": wall}


async def main(kind: str, ping_seconds: int) -> None:
    """Serves until standard input ends."""
    server = streamd_server if kind == "streamd" else broadcast_server
    async with server(ping_seconds) as (port, publish, subscribers):
        answer({"port": port})
        published = 0
        async for command in commands():
            if command["do"] == "publish":
                done = await _publish(publish, published + 1, command)
                published += done["published"]
                answer(done)
            elif command["do"] == "count":
                gc.collect()
                answer({"subscribers": subscribers()})
            else:
                answer({"cpu": time.process_time()})


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
