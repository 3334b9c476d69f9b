"""Input that is not as one would wish it: it plays in a real browser and over HLS, or is refused
with a reason that the broadcaster reads in the studio and the log.

RTMP's and WebRTC's own faults are tested beside their parsers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog.testing
from playwright.async_api import Page, async_playwright

from streamd import config
from streamd.errors import UnsupportedMedia
from streamd.media.units import Kind
from streamd.relay import file_ingest
from streamd.relay.stream import Stream
from streamd.web.advice import advise
from streamd.web.language import load_catalogues
from tests.made_media import Broadcast, Picture, Sound, made
from tests.media.test_fmp4_browser import CHROMIUM, FLAGS, play
from tests.relay.recording import Recording, decoded

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

CATALOGUE = load_catalogues()["en"]
PICTURE, SOUND = Picture(), Sound()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page() -> AsyncIterator[Page]:
    """One page for all: each test opens its own player in it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield await browser.new_page()
        await browser.close()


class OnAir:
    """A broadcast relayed at its own pace, on a clock of the test's own."""

    def __init__(self, broadcast: Broadcast) -> None:
        self.now = 1_000.0
        self.codes: set[str] = set()
        """What the broadcaster was told at any time."""
        self.stream = Stream("bad", config.Relay(), monotonic=lambda: self.now)
        self.recording = Recording(self.stream)
        publisher = self.stream.publish("file")
        publisher.announce(broadcast.tracks)
        second = 0.0
        for at, unit in broadcast.units:
            self.now = 1_000.0 + at
            publisher.write(unit)
            if at >= second:
                second += 1.0
                self.stream.check_silence()
                self.codes |= {one["code"] for one in advise(self.stream.health(), CATALOGUE)}
        publisher.close()

    def hls(self, kind: Kind) -> int:
        """Frames that libavcodec decodes from all that the track's playlist names."""
        groups: dict[str, bytes] = {}
        init = ""
        text = self.stream.window.resource(f"{kind}.m3u8").body.decode()
        for line in text.splitlines():
            if line.startswith("#EXT-X-MAP:"):
                init = line.split('URI="')[1].split('"')[0]
                groups.setdefault(init, self.stream.window.resource(init).body)
            elif line and not line.startswith("#"):
                groups[init] += self.stream.window.resource(line).body
        return sum(decoded(body, "video" if kind == "v" else "audio") for body in groups.values())


async def watched(page: Page, broadcast: Broadcast, seconds: float) -> tuple[OnAir, dict[str, Any]]:
    """Relays it, then plays its parts in Chromium: without an error, and without a hole."""
    air = OnAir(broadcast)
    await page.unroute_all()
    outcome = await play(page, air.recording, seconds)
    assert outcome["played"] >= seconds
    for kind, ranges in outcome["ranges"].items():
        assert len(ranges) == 1, (kind, ranges)
    return air, outcome


def frames(broadcast: Broadcast, kind: Kind) -> int:
    return sum(unit.kind == kind for _, unit in broadcast.units)


@pytest.mark.parametrize(
    "sound",
    [
        Sound(rate=44_100),
        Sound(layout="mono"),
        Sound(rate=44_100, layout="mono"),
        Sound(layout="5.1"),
    ],
    ids=["44.1 kHz", "mono", "44.1 kHz mono", "5.1"],
)
async def test_sound_of_another_kind_plays(page: Page, tmp_path: Path, sound: Sound) -> None:
    broadcast = Broadcast.of(made(tmp_path / "one.mp4", 3.0, PICTURE, sound))
    air, outcome = await watched(page, broadcast, 2.0)
    assert outcome["audioBytes"] > 0
    assert outcome["frames"] >= 40
    assert air.codes == set()
    for kind in ("v", "a"):
        assert air.hls(kind) == pytest.approx(frames(broadcast, kind), abs=2)


async def test_no_keyframe_for_ten_seconds_plays_and_is_told(page: Page, tmp_path: Path) -> None:
    rare = Picture(fps=10, options={"tune": "zerolatency", "preset": "ultrafast", "g": "500"})
    broadcast = Broadcast.of(made(tmp_path / "rare.mp4", 13.0, rare, None))
    assert sum(unit.key for _, unit in broadcast.units) == 1
    air, outcome = await watched(page, broadcast, 2.0)
    assert "no_keyframe" in air.codes
    assert outcome["ranges"]["v"][0][1] == pytest.approx(13.0, abs=0.3)
    assert air.hls("v") == 130


async def test_nothing_before_the_first_keyframe_is_told_too(tmp_path: Path) -> None:
    broadcast = Broadcast.of(made(tmp_path / "one.mp4", 12.0, Picture(fps=5), None))
    deltas = [(at, unit) for at, unit in broadcast.units if not unit.key]
    air = OnAir(Broadcast(broadcast.tracks, deltas))
    assert "no_keyframe" in air.codes
    assert air.stream.gen == 0


async def test_b_frames_play_in_order_and_are_told(page: Page, tmp_path: Path) -> None:
    forced = "bframes=3:b-adapt=0:scenecut=0"
    reordered = Picture(options={"preset": "veryfast", "g": "50", "x264-params": forced})
    broadcast = Broadcast.of(made(tmp_path / "b.mp4", 4.0, reordered, SOUND))
    assert any(unit.pts > unit.dts for _, unit in broadcast.units if unit.kind == "v")
    air, outcome = await watched(page, broadcast, 2.0)
    assert "b_frames" in air.codes
    assert outcome["frames"] >= 40
    assert air.hls("v") == 100


async def test_a_phone_that_is_turned_plays_on_in_its_new_shape(page: Page, tmp_path: Path) -> None:
    lying = Broadcast.of(made(tmp_path / "lying.mp4", 2.0, Picture(320, 180), SOUND))
    upright = Broadcast.of(made(tmp_path / "upright.mp4", 2.0, Picture(180, 320), SOUND))
    air, outcome = await watched(page, lying.followed_by(upright), 3.0)
    assert "picture_changed" in air.codes
    assert (outcome["width"], outcome["height"]) == (180, 320)
    assert air.hls("v") == 100


async def test_new_parameter_sets_of_the_same_size_play_on(page: Page, tmp_path: Path) -> None:
    plain = Broadcast.of(made(tmp_path / "baseline.mp4", 2.0, PICTURE, None))
    high = Picture(
        options={"preset": "veryfast", "tune": "zerolatency", "profile": "high", "g": "25"}
    )
    other = Broadcast.of(made(tmp_path / "high.mp4", 2.0, high, None))
    assert plain.tracks[0].codec != other.tracks[0].codec
    air, outcome = await watched(page, plain.followed_by(other), 3.0)
    assert outcome["frames"] >= 60
    assert air.hls("v") == 100


@pytest.mark.parametrize("seconds", [3_600.0, -1.5, -3_600.0], ids=["ahead", "back", "far back"])
async def test_timestamps_that_jump_play_on_without_a_hole(
    page: Page, tmp_path: Path, seconds: float
) -> None:
    steady = Broadcast.of(made(tmp_path / "one.mp4", 4.0, PICTURE, SOUND))
    air, outcome = await watched(page, steady.shifted(seconds, since=2.0), 3.0)
    assert "timestamps_jumped" in air.codes
    for kind in ("v", "a"):
        start, end = outcome["ranges"][kind][0]
        assert end - start == pytest.approx(4.0, abs=0.2)
        assert air.hls(kind) == pytest.approx(frames(steady, kind), abs=2)
    assert outcome["frames"] >= 60


@pytest.mark.parametrize(
    ("video", "audio", "told"),
    [(None, SOUND, "no_video"), (PICTURE, None, "no_audio")],
    ids=["audio only", "video only"],
)
async def test_one_track_alone_plays_and_is_told(
    page: Page, tmp_path: Path, video: Picture | None, audio: Sound | None, told: str
) -> None:
    broadcast = Broadcast.of(made(tmp_path / "one.mp4", 8.0, video, audio))
    air, outcome = await watched(page, broadcast, 2.0)
    assert told in air.codes
    kind: Kind = "v" if video is not None else "a"
    assert set(outcome["ranges"]) == {kind}
    assert air.hls(kind) == pytest.approx(frames(broadcast, kind), abs=2)


@pytest.mark.parametrize(
    ("pix_fmt", "code", "words"),
    [
        ("yuv420p10le", "profile", "High 10"),
        ("yuv422p", "chroma", "4:2:2"),
        ("yuv422p10le", "chroma", "4:2:2"),
    ],
    ids=["High 10", "4:2:2", "4:2:2 in ten bits"],
)
async def test_video_that_browsers_do_not_decode_is_refused_with_a_reason(
    tmp_path: Path, pix_fmt: str, code: str, words: str
) -> None:
    path = made(tmp_path / "deep.mp4", 1.0, Picture(pix_fmt=pix_fmt), SOUND)
    stream = Stream("bad", config.Relay())
    with (
        structlog.testing.capture_logs() as lines,
        pytest.raises(UnsupportedMedia, match="Browsers decode"),
    ):
        await file_ingest.play(path, stream, loop=False, speed=float("inf"))
    assert [(line["event"], line["code"]) for line in lines] == [("broadcast notice", code)]
    (told,) = advise(stream.health(), CATALOGUE)
    assert (told["code"], told["severity"]) == (code, "problem")
    assert words in told["advice"]
    assert stream.state.value == "idle"
    # The place is free: the encoder may try again with other settings, and then all is well.
    good = made(tmp_path / "good.mp4", 1.0, PICTURE, SOUND)
    await file_ingest.play(good, stream, loop=False, speed=float("inf"))
    assert stream.gen == 1
    assert advise(stream.health(), CATALOGUE) == []
