"""Our RTMP publisher against our server, and against ffmpeg's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from loadtests.ports import free_port
from streamd.errors import PlaceTaken, PublishLost, PublishRefused
from streamd.media.units import Unit
from streamd.relay.demux import FileReader
from streamd.relay.lifecycle import StreamState
from streamd.rtmp import publish_client
from streamd.rtmp.publish_client import RtmpPublisher
from tests.polling.conftest import Server as StoreServer
from tests.relay.recording import BIG_BUCK_BUNNY, BIKES, samples
from tests.rtmp.rtmp_server import listening, units_of, until
from tests.rtmp.test_ffmpeg import FFMPEG, file_nals, relayed_nals


def units_and_reader(path: Path) -> tuple[list[Unit], FileReader]:
    reader = FileReader(path)
    units: list[Unit] = []
    while batch := reader.read(5.0):
        units += batch
    reader.close()
    return units, reader


@pytest.mark.parametrize("path", [BIG_BUCK_BUNNY, BIKES], ids=lambda path: path.stem)
async def test_a_file_arrives_as_it_is(valkey: StoreServer, path: Path) -> None:
    units, reader = units_and_reader(path)
    async with listening(valkey) as ground, units_of(ground.stream) as output:
        publisher = RtmpPublisher(ground.url, reader.tracks)
        await publisher.open()
        for unit in units:
            await publisher.send(unit)
        await publisher.close()
        await until(lambda: ground.stream.state is StreamState.ENDED)
        await until(lambda: len(output.units) == len(units))
        assert relayed_nals(output) == file_nals(path)
        sent = [unit for unit in units if unit.kind == "v"]
        for ours, theirs in zip(output.of("v"), sent, strict=True):
            assert abs((ours.pts - ours.dts) - (theirs.pts - theirs.dts)) <= 90
        sounds = [unit.payload for unit in units if unit.kind == "a"]
        assert [unit.payload for unit in output.of("a")] == sounds


async def test_ffmpeg_as_the_server_understands_it(tmp_path: Path) -> None:
    """A server that shares no code with us takes the whole clip and writes it to a file."""
    target = tmp_path / "taken.mp4"
    url = f"rtmp://127.0.0.1:{free_port()}/live/clip"
    process = await asyncio.create_subprocess_exec(
        FFMPEG, "-nostdin", "-loglevel", "error", "-listen", "1", "-i", url, "-c", "copy", target
    )
    units, reader = units_and_reader(BIG_BUCK_BUNNY)
    async with asyncio.timeout(40):
        while True:
            publisher = RtmpPublisher(url, reader.tracks)
            try:
                await publisher.open()
                break
            except PublishLost:  # not listening yet
                await publisher.close()
                await asyncio.sleep(0.1)
        for unit in units:
            await publisher.send(unit)
        await publisher.close()
        await process.wait()
    for medium in ("video", "audio"):
        ours = [sample.payload for sample in samples(target, medium)]
        theirs = [sample.payload for sample in samples(BIG_BUCK_BUNNY, medium)]
        # It stops reading when it is told of the end, with what it has not yet written.
        assert len(ours) >= len(theirs) - 5
        assert ours == theirs[: len(ours)]


async def test_a_refusal_is_the_servers_own_sentence(valkey: StoreServer) -> None:
    _, reader = units_and_reader(BIKES)
    async with listening(valkey) as ground:
        publisher = RtmpPublisher(f"{ground.address}/alef?key=sk_wrong", reader.tracks)
        with pytest.raises(PublishRefused, match="This key is not valid"):
            await publisher.open()
        await publisher.close()
        publisher = RtmpPublisher(ground.url.replace("/live/", "/vod/"), reader.tracks)
        with pytest.raises(PublishRefused, match="rtmp://HOST/live"):
            await publisher.open()
        await publisher.close()


async def test_a_place_that_is_taken_is_told_apart(valkey: StoreServer) -> None:
    _, reader = units_and_reader(BIKES)
    async with listening(valkey) as ground:
        first, second = (RtmpPublisher(ground.url, reader.tracks) for _ in range(2))
        await first.open()
        with pytest.raises(PlaceTaken, match="takeover=1"):
            await second.open()
        await second.close()
        await first.close()


async def test_a_server_that_goes_is_told_apart_from_one_that_refuses(valkey: StoreServer) -> None:
    units, reader = units_and_reader(BIKES)
    async with listening(valkey) as ground:
        publisher = RtmpPublisher(ground.url, reader.tracks)
        await publisher.open()
        closing = asyncio.create_task(ground.server.close())

        async def go_on() -> None:
            while True:
                for unit in units:
                    await publisher.send(unit)
                    await asyncio.sleep(0.001)

        with pytest.raises(PublishLost, match="restarts"):
            await go_on()
        await publisher.close()
        await closing
    with pytest.raises(PublishLost, match="cannot be reached"):
        await RtmpPublisher(ground.url, reader.tracks).open()


async def test_what_listens_there_may_be_no_rtmp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish_client, "ANSWER_SECONDS", 0.5)
    for words, error in ((b"HTTP/1.1 400 " + bytes(3_100), PublishRefused), (b"", PublishLost)):

        async def speak(
            _: asyncio.StreamReader, writer: asyncio.StreamWriter, words: bytes = words
        ) -> None:
            writer.write(words)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(speak, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        publisher = RtmpPublisher(f"rtmp://127.0.0.1:{port}/live/a", [])
        with pytest.raises(error):
            await publisher.open()
        await publisher.close()
        server.close()
