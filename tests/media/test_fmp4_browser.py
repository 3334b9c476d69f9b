"""Chromium's Media Source Extensions take our init segments and one-frame parts."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, async_playwright

from streamd import config
from streamd.media.parts import Part
from streamd.media.units import Kind
from streamd.relay import file_ingest
from streamd.relay.lifecycle import StreamState
from streamd.relay.stream import Stream
from streamd.relay.testcard import CardEncoder
from tests.relay.recording import BIG_BUCK_BUNNY, BIKES, Recording, until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
ORIGIN = "http://localhost:9"

PLAYER = """
async ({codecs, seconds}) => {
  const video = document.querySelector('video');
  const source = new MediaSource();
  const errors = [];
  video.onerror = () => errors.push(video.error.message);
  video.src = URL.createObjectURL(source);
  await new Promise(open => source.onsourceopen = open);
  const buffers = {};
  for (const kind in codecs) {
    const mime = `${kind == 'v' ? 'video' : 'audio'}/mp4; codecs="${codecs[kind]}"`;
    if (!MediaSource.isTypeSupported(mime)) return {errors: [`unsupported: ${mime}`]};
    buffers[kind] = source.addSourceBuffer(mime);
  }
  const append = async kind => {
    const bytes = await (await fetch(`/${kind}`)).arrayBuffer();
    const view = new DataView(bytes);
    for (let at = 0; at < bytes.byteLength;) {
      const size = view.getUint32(at);
      if (size === 0) {
        const length = view.getUint8(at + 4);
        const codec = new TextDecoder().decode(bytes.slice(at + 5, at + 5 + length));
        buffers[kind].changeType(`${kind == 'v' ? 'video' : 'audio'}/mp4; codecs="${codec}"`);
        at += 5 + length;
        continue;
      }
      const done = new Promise((yes, no) => {
        buffers[kind].onupdateend = yes;
        buffers[kind].onerror = () => no(new Error(`append of ${kind} failed at ${at}`));
      });
      buffers[kind].appendBuffer(bytes.slice(at + 4, at + 4 + size));
      await done;
      at += 4 + size;
    }
  };
  try { await Promise.all(Object.keys(codecs).map(append)); }
  catch (error) { return {errors: [String(error), ...errors]}; }
  const ranges = {};
  for (const kind in buffers) {
    const b = buffers[kind].buffered;
    ranges[kind] = Array.from({length: b.length}, (_, i) => [b.start(i), b.end(i)]);
  }
  const start = video.buffered.length ? video.buffered.start(0) : 0;
  video.currentTime = start;
  video.playbackRate = 2;
  await video.play();
  const deadline = performance.now() + 60000;
  while (video.currentTime < start + seconds && !errors.length && performance.now() < deadline)
    await new Promise(tick => setTimeout(tick, 50));
  return {
    errors, ranges, played: video.currentTime - start,
    frames: video.getVideoPlaybackQuality().totalVideoFrames,
    width: video.videoWidth, height: video.videoHeight,
    audioBytes: video.webkitAudioDecodedByteCount,
  };
}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(chromium: Browser) -> AsyncIterator[Page]:
    context = await chromium.new_context()
    yield await context.new_page()
    await context.close()


async def play(page: Page, recording: Recording, seconds: float) -> dict[str, Any]:
    """Appends a recording part by part in the browser and plays ``seconds`` of it."""
    kinds: list[Kind] = list(recording.joins[1].tracks)

    def framed(kind: Kind) -> Iterator[bytes]:
        """Size and body each; size 0: the codec string to change to, behind one byte of length."""
        init = recording.joins[1].tracks[kind].init
        yield struct.pack(">I", len(init)) + init
        for part in recording.parts[1]:
            changed = (part.init or {}).get(kind)
            if changed is not None:
                codec = changed.codec.encode()
                yield struct.pack(">IB", 0, len(codec)) + codec
                yield struct.pack(">I", len(changed.init)) + changed.init
            body = part.v if kind == "v" else part.a
            if body is not None:
                yield struct.pack(">I", len(body)) + body

    bodies = {f"/{kind}": b"".join(framed(kind)) for kind in kinds}

    async def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if path in bodies:
            await route.fulfill(body=bodies[path], content_type="application/octet-stream")
        else:
            await route.fulfill(
                body="<!doctype html><video muted></video>", content_type="text/html"
            )

    await page.route(f"{ORIGIN}/**", answer)
    await page.goto(f"{ORIGIN}/")
    codecs = {kind: recording.joins[1].tracks[kind].codec for kind in kinds}
    outcome: dict[str, Any] = await page.evaluate(PLAYER, {"codecs": codecs, "seconds": seconds})
    assert outcome["errors"] == []
    return outcome


async def clip(path: Path) -> Recording:
    stream = Stream("clip", config.Relay())
    recording = Recording(stream)
    await file_ingest.play(path, stream, loop=False, speed=float("inf"))
    return recording


ORIGIN_TIME = Fraction(1_700_000_000)


async def card(
    audio: Literal["aac", "opus"], numbers: Iterable[int], part_ms: int = 0
) -> Recording:
    """The test card's pictures of these numbers, and the sound."""
    stream = Stream("card", config.Relay(part_ms=part_ms))
    recording = Recording(stream)
    encoder = CardEncoder(ORIGIN_TIME, audio=audio, fps=25, width=640, height=360)
    publisher = stream.publish("testcard")
    publisher.announce(encoder.tracks, float(ORIGIN_TIME))
    for number in numbers:
        for unit in encoder.encode(number):
            publisher.write(unit)
    publisher.close()
    return recording


async def test_a_clip_with_surround_sound_plays_whole(page: Page) -> None:
    outcome = await play(page, await clip(BIG_BUCK_BUNNY), 5.0)
    assert outcome["played"] >= 5.0
    assert outcome["frames"] >= 120
    assert (outcome["width"], outcome["height"]) == (1280, 720)
    assert outcome["audioBytes"] > 0
    assert len(outcome["ranges"]["v"]) == 1
    assert outcome["ranges"]["v"][0] == pytest.approx([0, 5.28], abs=0.001)
    assert outcome["ranges"]["a"][0] == pytest.approx([0, 5.312], abs=0.001)


async def test_a_clip_with_b_frames_plays_without_a_hole(page: Page) -> None:
    outcome = await play(page, await clip(BIKES), 4.0)
    assert outcome["played"] >= 4.0
    assert outcome["frames"] >= 95
    assert len(outcome["ranges"]["v"]) == 1
    assert outcome["ranges"]["v"][0] == pytest.approx([0.08, 10.08], abs=0.001)


@pytest.mark.parametrize("audio", ["aac", "opus"])
async def test_the_test_card_plays(page: Page, audio: Literal["aac", "opus"]) -> None:
    outcome = await play(page, await card(audio, range(100)), 3.5)
    assert outcome["played"] >= 3.5
    assert outcome["frames"] >= 80
    assert outcome["audioBytes"] > 0
    for kind in ("v", "a"):
        assert len(outcome["ranges"][kind]) == 1
        assert outcome["ranges"][kind][0][1] - outcome["ranges"][kind][0][0] >= 3.8


async def test_a_loops_seam_leaves_no_hole(page: Page) -> None:
    """Twice the clip and a little: the sound of a pass is 32 ms longer than its pictures."""
    stream = Stream("clip", config.Relay())
    recording = Recording(stream)
    playing = asyncio.create_task(file_ingest.play(BIG_BUCK_BUNNY, stream, speed=100.0))
    await until(lambda: sum(part.v is not None for part in recording.parts.get(1, ())) > 280)
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    outcome = await play(page, recording, 0.5)
    for kind in ("v", "a"):
        assert len(outcome["ranges"][kind]) == 1
        assert outcome["ranges"][kind][0][1] > 11.0


async def test_late_and_missing_pictures_of_unknown_duration_leave_no_hole(page: Page) -> None:
    """As a camera over WebRTC has them: up to 160 ms without a picture."""
    numbers = [n for n in range(125) if n % 25 in (0, 4, 5, 7, 8, 9, 13, 14, 17, 20, 21, 22)]
    outcome = await play(page, await card("opus", numbers), 4.0)
    assert len(outcome["ranges"]["v"]) == 1
    assert outcome["played"] >= 4.0
    assert outcome["frames"] >= 45


async def test_parts_of_a_tenth_of_a_second(page: Page) -> None:
    outcome = await play(page, await card("aac", range(100), part_ms=100), 3.5)
    assert len(outcome["ranges"]["v"]) == 1
    assert outcome["frames"] >= 80


async def test_a_picture_that_changes_its_size_goes_on(page: Page) -> None:
    """A phone turned: new parameter sets with a keyframe, in the same generation."""
    stream = Stream("card", config.Relay())
    recording = Recording(stream)
    publisher = stream.publish("whip")
    start = 0
    for width, height in ((640, 360), (960, 540), (480, 270)):
        encoder = CardEncoder(ORIGIN_TIME, audio="opus", fps=25, width=width, height=height)
        if stream.state is StreamState.IDLE:
            publisher.announce(encoder.tracks)
        units = [u for n in range(40) for u in encoder.encode(n) if u.kind == "v"]
        for number, unit in enumerate(units):
            time = (start + number) * 3_600
            track = encoder.tracks[0] if number == 0 else None
            publisher.write(replace(unit, dts=time, pts=time, track=track))
        start += len(units)
    publisher.close()
    recording.joins[1] = replace(recording.joins[1], tracks={"v": recording.joins[1].tracks["v"]})
    outcome = await play(page, recording, 4.5)
    assert outcome["played"] >= 4.5
    assert outcome["frames"] >= 110
    assert (outcome["width"], outcome["height"]) == (480, 270)


async def test_whole_hls_segments_play(page: Page) -> None:
    stream = Stream("clip", config.Relay())
    recording = Recording(stream)
    await file_ingest.play(BIKES, stream, loop=False, speed=float("inf"))
    names = [
        line for line in stream.window.media_playlist("v").splitlines() if not line.startswith("#")
    ]
    recording.parts[1] = [
        Part(number, 0, True, stream.window.resource(name).body)
        for number, name in enumerate(names)
    ]
    outcome = await play(page, recording, 3.0)
    assert outcome["ranges"]["v"] == [pytest.approx([0.08, 10.08], abs=0.001)]
    assert outcome["frames"] >= 70
