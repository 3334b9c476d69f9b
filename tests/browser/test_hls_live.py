"""The HLS path in a real Chromium, fed live from real windows: near live, without a stall.

The browser's requests are answered by this process, straight from ``Window.hls``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, async_playwright

from streamd import config
from streamd.media import aac
from streamd.media.units import Track, Unit
from streamd.relay import testcard
from streamd.relay.errors import HlsRefusal
from streamd.relay.hls_directives import parse
from streamd.relay.stream import Stream
from streamd.relay.testcard import CardEncoder
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

STATIC = Path(__file__).parents[2] / "static"
ORIGIN = "http://localhost:9"
FPS = 25
PAGE = """<!doctype html><video muted playsinline></video><script type="module">
import { HlsPath } from "/static/js/player/hls_path.js";
const video = document.querySelector("video");
const told = [];
const events = new Proxy({}, { get: (_, name) => (what) => {
  told.push(name);
  if (name === "onPlaying") video.play().catch(() => {});
} });
const path = new HlsPath({ video, hls: "/hls/index.m3u8", mode: "video" }, events);
window.look = () => ({
  told, time: video.currentTime, width: video.videoWidth, stalls: path.rebuffers,
  latency: path.latencyMs(null, Date.now() / 1000), rate: video.playbackRate,
  frames: video.getVideoPlaybackQuality().totalVideoFrames,
  sound: video.webkitAudioDecodedByteCount, error: video.error?.message ?? "",
});
path.start();
</script>"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield browser
        await browser.close()


@dataclass
class Look:
    """What the page tells."""

    told: list[str]
    time: float
    width: int
    stalls: int
    latency: float | None
    rate: float
    frames: int
    sound: int
    error: str


class Viewer:
    """A page that plays a stream's HLS."""

    def __init__(self, page: Page, stream: Stream) -> None:
        self._page, self._stream = page, stream

    async def open(self) -> None:
        """Starts to play."""
        await self._page.route(f"{ORIGIN}/**", self._answer)
        await self._page.goto(f"{ORIGIN}/")

    async def look(self) -> Look:
        found: dict[str, Any] = await self._page.evaluate("window.look?.()")
        return Look(**found)

    async def plays(self, frames: int, seconds: float = 40) -> None:
        """Waits until that many pictures were decoded."""
        shown = "look().frames >= {0}" if frames else "look().time > 2"
        await self._page.wait_for_function(
            f"window.look && {shown.format(frames)}", timeout=seconds * 1000
        )

    async def _answer(self, route: Route) -> None:
        address = route.request.url.removeprefix(ORIGIN)
        path, _, query = address.partition("?")
        if path == "/":
            await route.fulfill(body=PAGE, content_type="text/html")
        elif path.startswith("/static/"):
            await route.fulfill(path=STATIC / path.removeprefix("/static/"))
        else:
            await self._media(route, path.removeprefix("/hls/"), query)

    async def _media(self, route: Route, name: str, query: str) -> None:
        hls = self._stream.window.hls
        directives = parse(dict(pair.split("=") for pair in query.split("&") if pair))
        try:
            found = await (hls.playlist(name, directives) if "m3u8" in name else hls.part(name))
        except (KeyError, HlsRefusal):
            await route.fulfill(status=404)
            return
        await route.fulfill(body=found.body, content_type=found.content_type)


async def test_near_live_without_a_stall(chromium: Browser) -> None:
    """Opus in, AAC out: pictures and sound ten seconds long, about a second behind."""
    stream = Stream("card", config.Relay())
    card = asyncio.create_task(testcard.play(stream, audio="opus"))
    context = await chromium.new_context()
    viewer = Viewer(await context.new_page(), stream)
    await viewer.open()
    await viewer.plays(75)
    before = await viewer.look()
    latencies = []
    for _ in range(10):
        await asyncio.sleep(1)
        latencies.append((await viewer.look()).latency)
    after = await viewer.look()
    assert after.error == ""
    assert after.stalls == before.stalls
    assert after.time - before.time > 9
    assert after.sound > before.sound
    assert all(latency is not None and 0 < latency < 2_500 for latency in latencies), latencies
    card.cancel()
    await asyncio.gather(card, return_exceptions=True)
    await context.close()


async def test_odd_broadcasts_play_on(chromium: Browser) -> None:
    """All at once, in a page each: they differ in what is sent, not in what is asked."""
    cases = {
        "the picture's size changes, sound at 44.1 kHz in mono": broadcast(
            sizes=((640, 360), (480, 270), (640, 360)), sound=sound_of(44_100, "mono")
        ),
        "no keyframe for ten seconds, no sound": broadcast(
            sizes=((480, 270),), no_key=(3, 13), seconds=15
        ),
        "no pictures, sound in 5.1": broadcast(sizes=(), sound=sound_of(48_000, "5.1")),
    }
    context = await chromium.new_context()
    async with asyncio.TaskGroup() as group:
        for name, (tracks, units) in cases.items():
            group.create_task(watch(await context.new_page(), name, tracks, units))
    await context.close()


async def watch(page: Page, name: str, tracks: list[Track], units: list[Unit]) -> None:
    """Sends ``units`` in real time and sees them played to near the end."""
    stream = Stream("odd", config.Relay())
    viewer = Viewer(page, stream)
    await viewer.open()
    publisher = stream.publish("test")
    publisher.announce(tracks, time.time())
    started = asyncio.get_running_loop().time()
    scales = {track.kind: track.timescale for track in tracks}
    for unit in units:
        due = started + unit.dts / scales[unit.kind]
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        publisher.write(unit)
    found = await viewer.look()
    publisher.close()
    assert found.error == "", name
    assert "onGiveUp" not in found.told, name
    last = units[-1].dts / scales[units[-1].kind]
    assert found.time > last - 5, f"{name}: {found}"
    if "v" in scales:
        assert found.frames > 100, f"{name}: {found}"
    if "a" in scales:
        assert found.sound > 10_000, f"{name}: {found}"


def broadcast(
    sizes: tuple[tuple[int, int], ...],
    sound: tuple[Track, list[Unit]] | None = None,
    *,
    no_key: tuple[float, float] = (0, 0),
    seconds: float = 12,
) -> tuple[list[Track], list[Unit]]:
    """Tracks, and units in order; the sizes of the picture one after the other."""
    pictures = list(_pictures(sizes, seconds, no_key))
    tracks = [pictures[0].track] if pictures and pictures[0].track else []
    if pictures:
        pictures[0] = replace(pictures[0], track=None)
    if sound is None:
        return tracks, pictures
    track, units = sound
    scales = {"v": 90_000, "a": track.timescale}
    return [*tracks, track], sorted(pictures + units, key=lambda unit: unit.dts / scales[unit.kind])


def _pictures(
    sizes: tuple[tuple[int, int], ...], seconds: float, no_key: tuple[float, float]
) -> Iterator[Unit]:
    count = int(seconds * FPS)
    number = 0
    for place, (width, height) in enumerate(sizes, 1):
        # Its keyframes are one second apart; where none is wanted they are only not told.
        encoder = CardEncoder(
            Fraction(1_700_000_000), audio="aac", fps=FPS, width=width, height=height
        )
        first = True
        while number < count * place // len(sizes):
            for unit in encoder.encode(number):
                if unit.kind == "v":
                    tick = number * 90_000 // FPS
                    key = first or (unit.key and not no_key[0] <= number / FPS < no_key[1])
                    track = encoder.tracks[0] if first else None
                    yield replace(unit, dts=tick, pts=tick, key=key, track=track)
                    first = False
            number += 1


def sound_of(rate: int, layout: str, seconds: float = 12) -> tuple[Track, list[Unit]]:
    """Noise enough to be counted, as AAC."""
    encoder: Any = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate, layout, "fltp"
    encoder.time_base = Fraction(1, rate)
    encoder.open()
    units = []
    for start in range(0, int(seconds * rate), 1024):
        frame = av.AudioFrame("fltp", layout, 1024, align=1)
        for number, plane in enumerate(frame.planes):
            plane.update(bytes((0, 0, 0, 0, 0, 0, 0, 0x3E + number % 2)) * 512)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        units += [
            Unit("a", packet.pts, packet.pts, True, bytes(packet), 1024)
            for packet in encoder.encode(frame)
            if packet.pts >= 0
        ]
    return aac.audio_track(bytes(encoder.extradata)), units
