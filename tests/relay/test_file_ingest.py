"""Real clips through the whole path: file, ingest, stream, packager, and libavformat again."""

from __future__ import annotations

import asyncio
import re
import time
from fractions import Fraction
from pathlib import Path

import pytest

from streamd import config
from streamd.errors import AlreadyPublishing, UnsupportedMedia
from streamd.media.units import Kind
from streamd.relay import file_ingest
from streamd.relay.lifecycle import StreamState
from streamd.relay.stream import Stream
from tests.relay.recording import (
    BIG_BUCK_BUNNY,
    BIKES,
    CARPHONE,
    Recording,
    Sample,
    decoded,
    offsets,
    samples,
    until,
)
from tests.relay.test_demux import encode

FAST = float("inf")
MEDIUM: dict[Kind, str] = {"v": "video", "a": "audio"}
CLIPS: list[tuple[Path, dict[Kind, int]]] = [
    (BIG_BUCK_BUNNY, {"v": 132, "a": 249}),
    (BIKES, {"v": 250}),
    (CARPHONE, {"v": 120}),
]


async def relayed(path: Path, part_ms: int = 0) -> tuple[Stream, Recording]:
    stream = Stream("clip", config.Relay(part_ms=part_ms))
    recording = Recording(stream)
    await file_ingest.play(path, stream, loop=False, speed=FAST)
    return stream, recording


def assert_same(ours: dict[Kind, list[Sample]], path: Path, counts: dict[Kind, int]) -> None:
    """Same frames, same bytes, same times but for one constant that all tracks share."""
    constants: set[Fraction] = set()
    for kind, medium in MEDIUM.items():
        if kind not in counts:
            assert kind not in ours
            continue
        theirs = samples(path, medium)
        assert len(ours[kind]) == len(theirs) == counts[kind]
        assert [s.payload for s in ours[kind]] == [s.payload for s in theirs]
        assert [s.key for s in ours[kind]] == [s.key for s in theirs]
        constants |= offsets(ours[kind], theirs)
    assert len(constants) == 1


@pytest.mark.parametrize("part_ms", [0, 100])
@pytest.mark.parametrize(("path", "counts"), CLIPS, ids=lambda value: getattr(value, "stem", None))
async def test_the_parts_are_the_clip(path: Path, counts: dict[Kind, int], part_ms: int) -> None:
    _, recording = await relayed(path, part_ms)
    tracks = recording.joins[1].tracks
    assert_same(
        {kind: samples(recording.file(kind), MEDIUM[kind]) for kind in tracks}, path, counts
    )
    for kind in tracks:
        assert decoded(recording.file(kind), MEDIUM[kind]) == decoded(path, MEDIUM[kind])
    assert [part.n for part in recording.parts[1]] == list(range(len(recording.parts[1])))
    assert all(part.t >= 0 for part in recording.parts[1])


@pytest.mark.parametrize(("path", "counts"), CLIPS, ids=lambda value: getattr(value, "stem", None))
async def test_the_hls_segments_are_the_clip(path: Path, counts: dict[Kind, int]) -> None:
    stream, _ = await relayed(path)
    ours: dict[Kind, list[Sample]] = {}
    for kind in counts:
        text = stream.window.media_playlist(kind)
        assert text.endswith("#EXT-X-ENDLIST\n")
        names = re.findall(r'MAP:URI="(.*)"', text)
        names += [line for line in text.splitlines() if not line.startswith("#")]
        whole = b"".join(stream.window.resource(name).body for name in names)
        ours[kind] = samples(whole, MEDIUM[kind])
        theirs = samples(path, MEDIUM[kind])
        told = sum(float(d) for d in re.findall(r"#EXTINF:([\d.]+),", text))
        assert told == pytest.approx(float(sum(s.duration for s in theirs)), abs=0.001)
        assert decoded(whole, MEDIUM[kind]) == decoded(path, MEDIUM[kind])
    assert_same(ours, path, counts)


async def test_a_loop_is_one_generation() -> None:
    stream = Stream("clip", config.Relay())
    recording = Recording(stream)
    playing = asyncio.create_task(file_ingest.play(BIG_BUCK_BUNNY, stream, speed=200.0))
    await until(lambda: len(recording.parts.get(1, ())) >= 450)
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert (stream.state, stream.gen) == (StreamState.ENDED, 1)
    for kind, medium in MEDIUM.items():
        times = [sample.dts for sample in samples(recording.file(kind), medium)]
        assert times == sorted(set(times))
    keys = [sample.dts for sample in samples(recording.file("v"), "video") if sample.key]
    assert keys[1] - keys[0] == Fraction(249 * 1024, 48_000)


async def test_a_file_is_played_at_its_own_pace() -> None:
    stream = Stream("clip", config.Relay())
    arrived: list[tuple[float, int]] = []
    stream.window.listen(lambda part: arrived.append((time.monotonic(), part.t)))
    await file_ingest.play(BIG_BUCK_BUNNY, stream, loop=False, speed=4.0)
    first_at, first_t = arrived[0]
    early = [(at - first_at) - (t - first_t) / 90_000 / 4 for at, t in arrived]
    assert min(early) > -0.03, "nothing is sent before its time"
    assert arrived[-1][0] - first_at >= 5.2 / 4


async def test_a_stream_that_is_taken_refuses_the_file() -> None:
    stream = Stream("clip", config.Relay())
    publisher = stream.publish("whip")
    with pytest.raises(AlreadyPublishing):
        await file_ingest.play(BIG_BUCK_BUNNY, stream)
    publisher.close()


async def test_a_refused_file_leaves_the_stream_free(tmp_path: Path) -> None:
    stream = Stream("clip", config.Relay())
    with pytest.raises(UnsupportedMedia):
        await file_ingest.play(encode(tmp_path / "a.mp4", "mpeg4", None), stream)
    assert stream.state is StreamState.IDLE
    stream.publish("whip").close()


async def test_play_returns_when_the_relay_ends_the_publication() -> None:
    stream = Stream("clip", config.Relay())
    recording = Recording(stream)
    playing = asyncio.create_task(file_ingest.play(BIG_BUCK_BUNNY, stream))
    await until(lambda: bool(recording.parts))
    stream.close()
    async with asyncio.timeout(20):
        await playing
