"""The server of the viewers' test: ``python -m loadtests.viewers_server PART_MS``.

The real relay, packager and gateway, and one publisher whose pictures have the sizes of a broadcast
of a given bitrate (a keyframe every two seconds is eight times an ordinary picture). Nobody decodes
them. Says ``{"port": n}``, then answers commands:

- ``{"do": "start", "kbit", "fps"}`` begins to publish: ``{"live": true}``
- ``{"do": "count"}``: ``{"subscribers"}``
- ``{"do": "measure", "seconds"}``: ``{"cpu": seconds of CPU time, "wall", "parts": published}``
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from fractions import Fraction
from typing import Any

import uvloop

from loadtests.commands import answer, commands
from streamd import config
from streamd.errors import Unauthenticated
from streamd.feeds.gateway import Gateway
from streamd.feeds.hub import Hub
from streamd.feeds.media import MediaProvider
from streamd.identity import Identity
from streamd.media.h264 import to_avcc
from streamd.media.units import MEDIA_TIMESCALE, Track, Unit
from streamd.relay.stream import Publisher
from streamd.relay.streams import Streams
from streamd.relay.testcard import CardEncoder

STREAM = "load"
CHANNEL = f"media:{STREAM}"
KEY_SECONDS = 2
KEY_WEIGHT = 8


def sizes(kbit: float, fps: int) -> tuple[int, int]:
    """Bytes of a keyframe and of another picture, so that both together make ``kbit`` a second."""
    pictures = KEY_SECONDS * fps
    other = kbit * 1000 / 8 * KEY_SECONDS / (pictures - 1 + KEY_WEIGHT)
    return round(other * KEY_WEIGHT), round(other)


def video_track() -> Track:
    """A real H.264 track's description, from the test card's encoder."""
    card = CardEncoder(Fraction(0), audio="opus", fps=25, width=640, height=360)
    return card.tracks[0]


async def publish(publisher: Publisher, kbit: float, fps: int) -> None:
    """Publishes pictures in real time until cancelled."""
    key_size, size = sizes(kbit, fps)
    # NAL unit types 5 and 1: a keyframe's slice and another one's (H.264 7.4.1).
    key = to_avcc([b"\x65" + random.randbytes(key_size)])
    other = to_avcc([b"\x41" + random.randbytes(size)])
    publisher.announce([video_track()])
    started, number = time.monotonic(), 0
    while True:
        at = number * MEDIA_TIMESCALE // fps
        is_key = number % (KEY_SECONDS * fps) == 0
        publisher.write(Unit("v", at, at, is_key, key if is_key else other))
        number += 1
        await asyncio.sleep(max(0.0, started + number / fps - time.monotonic()))


def _refuse(_token: str) -> Identity:
    raise Unauthenticated("This load test has no voters: every connection is anonymous.")


async def main(part_ms: int) -> None:
    """Serves until standard input ends."""
    streams = Streams(config.Relay(part_ms=part_ms))
    stream = streams.add(STREAM)
    hub = Hub()
    hub.provide("media", MediaProvider(streams))
    gateway = Gateway(config.Feeds(port=0), hub, _refuse, {})
    await gateway.start()
    parts, live = 0, asyncio.Event()

    def count_part(_: object) -> None:
        nonlocal parts
        parts += 1
        live.set()

    stream.window.listen(count_part, lambda: None)
    publishing: asyncio.Task[None] | None = None

    async def obey(command: dict[str, Any]) -> dict[str, Any]:
        nonlocal publishing
        if command["do"] == "start":
            publisher = stream.publish("load test")
            publishing = asyncio.create_task(publish(publisher, command["kbit"], command["fps"]))
            await live.wait()
            return {"live": True}
        if command["do"] == "count":
            return {"subscribers": hub.subscribers(CHANNEL)}
        cpu, wall, before = time.process_time(), time.monotonic(), parts
        await asyncio.sleep(command["seconds"])
        return {
            "cpu": time.process_time() - cpu,
            "wall": time.monotonic() - wall,
            "parts": parts - before,
        }

    answer({"port": gateway.port})
    async for command in commands():
        answer(await obey(command))
    if publishing is not None:
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
    await gateway.stop(0.1)
    await streams.close()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
