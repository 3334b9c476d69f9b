"""Debian's ffmpeg as the encoder, and libavformat: the pictures that arrive are the file's."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streamd.media import h264
from streamd.relay.lifecycle import StreamState
from streamd.relay.notices import NoticeCode
from tests.polling.conftest import Server as StoreServer
from tests.relay.recording import BIG_BUCK_BUNNY, BIKES, Recording, decoded, samples
from tests.rtmp import libavformat_publisher
from tests.rtmp.rtmp_server import Ground, Output, listening, units_of, until

FFMPEG = shutil.which("ffmpeg") or "ffmpeg"


async def start(*arguments: str | Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        FFMPEG,
        "-nostdin",
        "-loglevel",
        "error",
        *arguments,
        stderr=asyncio.subprocess.PIPE,
    )


async def run(*arguments: str | Path) -> tuple[int, str]:
    process = await start(*arguments)
    async with asyncio.timeout(60):
        _, errors = await process.communicate()
    return process.returncode or 0, errors.decode()


def file_nals(path: Path) -> list[list[bytes]]:
    return [h264.split_avcc(sample.payload) for sample in samples(path, "video")]


def relayed_nals(output: Output) -> list[list[bytes]]:
    return [h264.split_avcc(unit.payload) for unit in output.of("v")]


@contextlib.asynccontextmanager
async def stage(valkey: StoreServer) -> AsyncIterator[tuple[Ground, Output, Recording]]:
    async with listening(valkey) as ground, units_of(ground.stream) as output:
        yield ground, output, Recording(ground.stream)


async def test_a_real_clip_arrives_nal_by_nal(valkey: StoreServer) -> None:
    async with stage(valkey) as (ground, output, recording):
        code, errors = await run("-i", BIG_BUCK_BUNNY, "-c", "copy", "-f", "flv", ground.url)
        assert code == 0, errors
        await until(lambda: ground.stream.state is StreamState.ENDED)
        assert ground.codes() == set()
        await until(lambda: len(output.of("v")) == 132)
        assert relayed_nals(output) == file_nals(BIG_BUCK_BUNNY)
        assert [unit.payload for unit in output.of("a")] == [
            sample.payload for sample in samples(BIG_BUCK_BUNNY, "audio")
        ]
        assert decoded(recording.file("v"), "video") == decoded(BIG_BUCK_BUNNY, "video") == 132
        assert decoded(recording.file("a"), "audio") == decoded(BIG_BUCK_BUNNY, "audio")


async def test_a_clip_with_b_frames_keeps_their_order_and_times(valkey: StoreServer) -> None:
    async with stage(valkey) as (ground, output, recording):
        key = f"{ground.address}/{ground.key}"
        code, errors = await run("-i", BIKES, "-c", "copy", "-f", "flv", key)
        assert code == 0, errors
        await until(lambda: len(output.of("v")) == 250)
        assert relayed_nals(output) == file_nals(BIKES)
        theirs = samples(BIKES, "video")
        shift = {
            round((unit.pts - unit.dts) / 90 - float(sample.pts - sample.dts) * 1000)
            for unit, sample in zip(output.of("v"), theirs, strict=True)
        }
        assert shift <= {-1, 0, 1}
        assert decoded(recording.file("v"), "video") == 250


async def test_libx264_and_aac_and_kill_minus_9(valkey: StoreServer) -> None:
    """The test card of ffmpeg in real time; its line breaks, and it comes back within the wait."""
    encode = (
        "-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25",
        "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100",
        "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25",
        "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "1", "-f", "flv",
    )  # fmt: skip
    async with stage(valkey) as (ground, output, recording):
        process = await start(*encode, ground.url)
        await until(lambda: len(output.of("v")) >= 30)
        process.kill()
        await process.wait()
        await until(lambda: ground.stream.state is StreamState.STALLED)
        seen = len(output.of("v"))
        code, errors = await run(*encode[:-2], "-t", "2", *encode[-2:], ground.url)
        assert code == 0, errors
        await until(lambda: ground.stream.state is StreamState.ENDED)
        await until(lambda: len(output.of("v")) - seen == 50)
        assert ground.stream.gen == 2
        assert decoded(recording.file("v", 2), "video") == 50
        assert decoded(recording.file("v", 1), "video") == seen
        assert {unit.duration for unit in output.of("a")} == {1024}


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (("-c:v", "libx264", "-pix_fmt", "yuv420p10le"), "High 10", NoticeCode.PROFILE),
        (("-c:v", "libx264", "-pix_fmt", "yuv422p"), "4:2:2", NoticeCode.CHROMA),
        (("-c:v", "flv1"), "Sorenson H.263", NoticeCode.REFUSED),
    ],
    ids=["high 10", "4:2:2", "another codec"],
)
async def test_what_is_refused_is_said_on_ffmpegs_own_screen(
    valkey: StoreServer, arguments: tuple[str, ...], said: str, code: NoticeCode
) -> None:
    async with listening(valkey) as ground:
        source = ("-re", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25", "-t", "20")
        failed, errors = await run(*source, *arguments, "-f", "flv", ground.url)
        assert failed
        assert said in errors
        assert code in ground.codes()
        assert ground.stream.source is None


async def test_a_truncated_flv_file_is_broadcast_as_far_as_it_goes(
    valkey: StoreServer, tmp_path: Path
) -> None:
    whole, cut = tmp_path / "whole.flv", tmp_path / "cut.flv"
    code, errors = await run("-i", BIG_BUCK_BUNNY, "-c", "copy", whole)
    assert code == 0, errors
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    async with stage(valkey) as (ground, output, recording):
        await run("-i", cut, "-c", "copy", "-f", "flv", ground.url)
        await until(lambda: ground.stream.state is StreamState.ENDED)
        sent = len(output.of("v"))
        assert 60 < sent < 132
        assert relayed_nals(output) == file_nals(BIG_BUCK_BUNNY)[:sent]
        assert decoded(recording.file("v"), "video") == sent


@pytest.mark.parametrize("tracks", [1, 2])
async def test_libavformat_publishes(valkey: StoreServer, tracks: int) -> None:
    """PyAV's newer libavformat, told to speak of enhanced codecs. It writes a second track as
    ExVideo Multitrack "avc1"; track 0 plays as if there were no other.
    """
    async with stage(valkey) as (ground, output, _):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            libavformat_publisher.__name__,
            BIG_BUCK_BUNNY,
            ground.url,
            str(tracks),
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        await until(lambda: len(output.of("v")) == 132)
        assert relayed_nals(output) == file_nals(BIG_BUCK_BUNNY)
        assert not ground.codes()
