"""The line between a process that relays and those that follow its HLS windows."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from streamd import config
from streamd.errors import ConfigError, UnknownStream
from streamd.relay import hls_line
from streamd.relay.errors import HandoverBroken
from streamd.relay.hls_line import Followed, HandoverServer, frame, next_frame
from streamd.relay.stream import Publisher
from streamd.relay.streams import Streams
from tests.relay.units import VIDEO, picture

SETTINGS = config.Relay()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def on_air(streams: Streams, name: str = "a") -> Publisher:
    publisher = streams.add(name).publish("test")
    publisher.announce([VIDEO])
    return publisher


@asynccontextmanager
async def handing_over(path: Path, streams: Streams) -> AsyncIterator[HandoverServer]:
    server = HandoverServer(str(path), streams)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def following(path: Path, settings: config.Relay = SETTINGS) -> AsyncIterator[Followed]:
    followed = Followed(str(path), settings)
    task = asyncio.create_task(followed.run())
    try:
        yield followed
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_what_is_on_air_is_followed_and_a_new_stream_too(tmp_path: Path) -> None:
    streams = Streams(SETTINGS)
    first = on_air(streams)
    async with handing_over(tmp_path / "s", streams) as server, following(tmp_path / "s") as other:
        await until(lambda: other.connected)
        with pytest.raises(UnknownStream):
            other.get("b")
        on_air(streams, "b")
        server.on_stream(streams.get("b"))
        for number in range(60):
            first.write(picture(number, key=number % 25 == 0))
        mine = streams.get("a").window.hls
        await until(lambda: "b" in other._windows)
        await until(lambda: other.get("a").media_playlist("v") == mine.media_playlist("v"))
        assert mine.media_playlist("v").count(".m4s") > 1
    await streams.close()


async def test_only_its_owner_may_follow_and_nobody_else_may_hand_over_there(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s"
    async with handing_over(path, Streams(SETTINGS)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(ConfigError, match="Another process"):
            await HandoverServer(str(path), Streams(SETTINGS)).start()
    assert not path.exists()
    with pytest.raises(ConfigError, match="at most 100 characters"):
        await HandoverServer(str(tmp_path / ("x" * 200)), Streams(SETTINGS)).start()
    await HandoverServer("", Streams(SETTINGS)).start()


async def test_a_socket_that_a_kill_left_behind_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "s"
    old = await asyncio.start_unix_server(lambda _r, _w: None, str(path))
    copy = tmp_path / "kept"
    os.link(path, copy)
    old.close()
    await old.wait_closed()
    if not path.exists():
        copy.rename(path)
    async with handing_over(path, Streams(SETTINGS)), following(path) as other:
        await asyncio.sleep(0)
        assert not other.connected  # there is nothing on air to be told of


async def test_who_does_not_read_is_cut_off_and_the_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hls_line, "UNREAD_BYTES", 200_000)
    streams = Streams(SETTINGS)
    publisher = on_air(streams)
    path = tmp_path / "s"
    async with handing_over(path, streams) as server, following(path) as good:
        await until(lambda: good.connected)
        reader, writer = await asyncio.open_unix_connection(str(path), limit=1)
        await until(lambda: server.followers == 2)
        for number in range(3_000):
            publisher.write(picture(number, key=number % 25 == 0, size=2_000))
            await asyncio.sleep(0)
            if server.followers == 1:
                break
        await until(lambda: server.cut_off == 1)
        mine = streams.get("a").window.hls
        await until(lambda: good.get("a").media_playlist("v") == mine.media_playlist("v"))
        writer.transport.abort()
        del reader
    await streams.close()


async def test_other_settings_and_other_bytes_are_refused_and_nothing_breaks(
    tmp_path: Path,
) -> None:
    streams = Streams(SETTINGS)
    on_air(streams)
    async with (
        handing_over(tmp_path / "s", streams) as server,
        following(tmp_path / "s", config.Relay(target_seconds=9)) as other,
    ):
        await until(lambda: "target" in other._complaint or "settings" in other._complaint)
        assert not other.connected
        await until(lambda: server.followers == 0)
    await streams.close()
    for bad in (b"\xff\xff\xff\xff\x01a", b"\x00\x00\x00\x01\x01a"):
        reader = asyncio.StreamReader()
        reader.feed_data(bad)
        with pytest.raises(HandoverBroken):
            await next_frame(reader)
    reader = asyncio.StreamReader()
    reader.feed_data(frame("ا", b"message"))
    assert await next_frame(reader) == ("ا", b"message")
