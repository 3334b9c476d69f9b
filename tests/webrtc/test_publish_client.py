"""Our WHIP publisher against our WHIP server, and against servers that say no."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from streamd.errors import PlaceTaken, PublishError, PublishLost, PublishRefused
from streamd.media import h264
from streamd.media.units import Kind, Track, Unit
from streamd.relay.demux import FileReader
from streamd.webrtc.aac_to_opus import AacToOpus
from streamd.webrtc.publish_client import WhipPublisher, has_b_frames
from tests.relay.recording import BIG_BUCK_BUNNY, BIKES
from tests.webrtc.whip_server import units_of, until, whip_server


def film() -> tuple[dict[Kind, Track], list[Unit]]:
    reader = FileReader(BIG_BUCK_BUNNY)
    tracks = {track.kind: track for track in reader.tracks}
    units = reader.read(2.0)
    reader.close()
    return tracks, units


def slices(payload: bytes) -> list[bytes]:
    return [nal for nal in h264.split_avcc(payload) if h264.nal_type(nal) in (1, 5)]


async def test_pictures_arrive_as_they_are_and_sound_as_opus() -> None:
    tracks, units = film()
    converter = AacToOpus(tracks["a"])
    async with whip_server() as server:
        stream, output = server.stream()
        async with units_of(stream, output):
            publisher = WhipPublisher(f"{server.url}/whip/s", "key", tracks)
            await publisher.open()
            for unit in units:
                for one in converter.convert(unit) if unit.kind == "a" else [unit]:
                    await publisher.send(one)
                await asyncio.sleep(0.005)
            await publisher.drain()
            pictures = [slices(unit.payload) for unit in units if unit.kind == "v"]
            await until(lambda: len(output.of("v")) == len(pictures))
            await publisher.close()
    assert [slices(unit.payload) for unit in output.of("v")] == pictures
    assert len(output.of("a")) >= 60


@asynccontextmanager
async def answering(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/whip/s", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/whip/s"
    await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (406, {"title": "No", "detail": "H.264 is missing."}, PublishRefused, "H.264 is missing"),
        (409, {"title": "Taken"}, PlaceTaken, r"\(409\): Taken"),
        (503, {"detail": "Full."}, PublishLost, r"\(503\): Full"),
        (200, {}, PublishRefused, "no reason given|{}"),
    ],
)
async def test_refusals_are_the_servers_own_words(
    status: int, body: dict[str, str], error: type[PublishError], said: str
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == "Bearer key"
        return web.json_response(body, status=status)

    async with answering(answer) as url:
        publisher = WhipPublisher(url, "key", film()[0])
        with pytest.raises(error, match=said):
            await publisher.open()
        await publisher.close()


async def test_redirects_are_followed_as_posts_and_not_for_ever() -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append((await request.text())[:3])
        raise web.HTTPTemporaryRedirect("/whip/s")

    async with answering(answer) as url:
        publisher = WhipPublisher(url, "key", film()[0])
        with pytest.raises(PublishRefused, match="circles"):
            await publisher.open()
        await publisher.close()
    assert seen == ["v=0"] * 3


@pytest.mark.parametrize("status", [307, 308, 201])
async def test_the_key_goes_to_no_other_server(status: int) -> None:
    asked = 0

    async def overhear(_: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return web.Response(status=500)

    async with answering(overhear) as other:

        async def answer(_: web.Request) -> web.StreamResponse:
            return web.Response(status=status, headers={"Location": other}, text="v=0")

        async with answering(answer) as url:
            publisher = WhipPublisher(url, "key", film()[0])
            with pytest.raises(PublishRefused, match="another one"):
                await publisher.open()
            await publisher.close()
    assert asked == 0


@pytest.mark.parametrize("location", ["//[", "http://h:port/", "ftp://127.0.0.1/"])
async def test_an_address_that_is_none(location: str) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": location})

    async with answering(answer) as url:
        publisher = WhipPublisher(url, "key", film()[0])
        with pytest.raises(PublishRefused):
            await publisher.open()
        await publisher.close()


async def test_nobody_listens() -> None:
    publisher = WhipPublisher("http://127.0.0.1:1/whip/s", "key", film()[0])
    with pytest.raises(PublishLost, match="cannot be reached"):
        await publisher.open()
    await publisher.close()


def test_b_frames_are_seen() -> None:
    reader = FileReader(BIKES)
    assert has_b_frames(reader.read(2.0))
    reader.close()
    assert not has_b_frames(film()[1])
