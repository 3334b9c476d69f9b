"""LL-HLS over HTTP: a live broadcast of the test card with Opus, followed as a player does."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path

import av
import pytest
import pytest_asyncio
from aiohttp import ClientSession

from tests.hls_playlist import Playlist, check, check_next, parse
from tests.server import Server, running

STREAM = "load"
SECONDS = 5.0
CONFIG = f"""
[event]
id = "load"
title = {{ en = "Load test" }}

[[event.candidates]]
stream = "{STREAM}"
number = 1
name = {{ en = "Load Test" }}
"""


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A streamd that broadcasts the test card with Opus by itself."""
    home = tmp_path_factory.mktemp("card")
    config = home / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    arguments = ("opus", "--config", str(config))
    with running(
        home, arguments[0], *arguments[1:], module="loadtests.card_server",
        STREAMD_RECORDING_ENABLED="false",
    ) as server:  # fmt: skip
        yield server


@pytest_asyncio.fixture
async def session(card: Server) -> AsyncIterator[ClientSession]:
    """Asks below the stream's address, once its playlists are there."""
    async with ClientSession(f"{card.url}/hls/{STREAM}/", auto_decompress=False) as opened:
        async with asyncio.timeout(60):
            for name in ("index.m3u8", "v.m3u8", "a.m3u8"):
                while (await opened.get(name)).status != 200:
                    await asyncio.sleep(0.1)
        yield opened


async def text(session: ClientSession, address: str) -> str:
    async with session.get(address) as answer:
        assert answer.status == 200, f"{address}: {await answer.text()}"
        assert answer.headers["Content-Type"] == "application/vnd.apple.mpegurl"
        body = await answer.read()
        return (gzip.decompress(body) if "Content-Encoding" in answer.headers else body).decode()


async def status(session: ClientSession, address: str) -> int:
    async with session.get(address) as answer:
        await answer.read()
        return answer.status


async def test_a_live_broadcast_followed_part_by_part(session: ClientSession) -> None:
    """Every playlist of both renditions keeps the rules, and every hinted part comes whole."""
    async with asyncio.TaskGroup() as group:
        for kind in ("v", "a"):
            group.create_task(follow(session, kind))


async def follow(session: ClientSession, kind: str) -> None:
    last = parse(await text(session, f"{kind}.m3u8"))
    until, seen = time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        check(last, regular=kind == "a")  # a busy machine leaves out pictures of the card
        hinted = asyncio.create_task(body(session, last.hint))
        msn, part = last.next_sequence, len(last.growing)
        new = parse(await text(session, f"{kind}.m3u8?_HLS_msn={msn}&_HLS_part={part}"))
        check_next(last, new)
        place = (msn, part) if (msn, part) in new.parts() else (msn + 1, 0)
        assert new.parts()[place].uri == last.hint, "what was hinted is the next part"
        assert await hinted == await body(session, last.hint)
        for number in new.whole.keys() - last.whole.keys():
            await check_whole(session, new, number)
        (report,) = new.reports
        assert abs(int(report["LAST-MSN"]) - msn) <= 1
        last, seen = new, seen + 1
    assert seen > SECONDS * 1.5


async def check_whole(session: ClientSession, playlist: Playlist, number: int) -> None:
    """A segment is its parts."""
    segment = playlist.whole[number]
    parts = [await body(session, part.uri) for part in segment.parts]
    assert b"".join(parts) == await body(session, segment.uri)


async def body(session: ClientSession, name: str) -> bytes:
    async with session.get(name) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Content-Type"] in ("video/mp4", "audio/mp4")
        assert "Date" in answer.headers
        return await answer.read()


async def test_a_delta_update_is_for_long_playlists(session: ClientSession) -> None:
    """36 s have to stay whole: until then it is the playlist."""
    now = parse(await text(session, "v.m3u8"))
    place = f"_HLS_msn={now.next_sequence}&_HLS_part={len(now.growing)}"
    full, delta = await asyncio.gather(
        text(session, f"v.m3u8?{place}"), text(session, f"v.m3u8?{place}&_HLS_skip=YES")
    )
    assert full == delta


async def test_what_is_refused(session: ClientSession) -> None:
    now = parse(await text(session, "v.m3u8"))
    msn = now.next_sequence
    assert await status(session, "v.m3u8?_HLS_part=1") == 400
    assert await status(session, f"v.m3u8?_HLS_msn={msn + 4}") == 400
    assert await status(session, f"v.m3u8?_HLS_msn={msn}&_HLS_part=40") == 400
    assert await status(session, "v.m3u8?_HLS_msn=x") == 400
    for unknown in (
        "t.m3u8",
        "v-0-1.m4s",
        f"../none/{now.hint}",
        now.hint.replace(".m4s", "0.m4s"),
    ):
        assert await status(session, unknown) == 404
    assert await status(session, f"v.m3u8?_HLS_msn={now.first}&_HLS_part=0&more=1") == 200


async def test_playlists_say_how_long_they_may_be_kept(session: ClientSession) -> None:
    now = parse(await text(session, "v.m3u8"))
    place = f"v.m3u8?_HLS_msn={now.next_sequence}&_HLS_part={len(now.growing)}"
    for address, expected in (("v.m3u8", 1), ("index.m3u8", 1), (place, 6)):
        async with session.get(address) as answer:
            assert answer.headers["Cache-Control"] == f"public, max-age={expected}"
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert "Set-Cookie" not in answer.headers


async def test_playlists_are_compressed_for_whoever_takes_it(session: ClientSession) -> None:
    for accepted, coded in (
        ("gzip, br", True),
        ("br", False),
        ("gzip;q=0", False),
        ("*, gzip;q=0", False),
    ):
        async with session.get("v.m3u8", headers={"Accept-Encoding": accepted}) as answer:
            assert (answer.headers.get("Content-Encoding") == "gzip") is coded
            raw = await answer.read()
            assert parse((gzip.decompress(raw) if coded else raw).decode())


async def test_a_head_request_is_answered_without_a_body(session: ClientSession) -> None:
    name = next(iter(parse(await text(session, "v.m3u8")).whole.values())).uri
    async with session.head(name) as answer:
        assert answer.status == 200
        assert int(answer.headers["Content-Length"]) > 1_000
    assert len(await body(session, name)) > 1_000


def test_libavformat_plays_it(card: Server, tmp_path: Path) -> None:
    with av.open(f"{card.url}/hls/{STREAM}/index.m3u8", timeout=30) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        moments: dict[str, list[float]] = {"video": [], "audio": []}
        for frame in container.decode(video, audio):
            assert isinstance(frame, av.VideoFrame | av.AudioFrame)
            kind = "video" if isinstance(frame, av.VideoFrame) else "audio"
            assert frame.time is not None
            moments[kind].append(frame.time)
            if min(map(len, moments.values())) > 150:
                break
    for kind, times in moments.items():
        assert times == sorted(times)
        # A busy machine leaves out pictures of the card, never sound.
        assert max(b - a for a, b in pairwise(times)) < (0.05 if kind == "audio" else 2)
    assert abs(moments["video"][0] - moments["audio"][0]) < 0.1
