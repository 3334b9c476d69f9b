"""Chromium's Media Source Extensions take our init segments and one-frame parts."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Page, Route, async_playwright

from streamd import config
from streamd.media.units import Kind
from streamd.relay import file_ingest
from streamd.relay.stream import Stream
from streamd.relay.testcard import CardEncoder
from tests.relay.recording import BIG_BUCK_BUNNY, BIKES, Recording

pytestmark = pytest.mark.browser

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


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield await browser.new_page()
        await browser.close()


async def play(page: Page, recording: Recording, seconds: float) -> dict[str, Any]:
    """Appends a recording part by part in the browser and plays ``seconds`` of it."""
    kinds: list[Kind] = list(recording.joins[1].tracks)

    def framed(kind: Kind) -> Iterator[bytes]:
        for body in (recording.joins[1].tracks[kind].init, *recording.fragments(kind)):
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


async def card(audio: Literal["aac", "opus"], pictures: int) -> Recording:
    stream = Stream("card", config.Relay())
    recording = Recording(stream)
    encoder = CardEncoder(Fraction(1_700_000_000), audio=audio, fps=25, width=640, height=360)
    publisher = stream.publish("testcard")
    publisher.announce(encoder.tracks, 1_700_000_000.0)
    for number in range(pictures):
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
    outcome = await play(page, await card(audio, 100), 3.5)
    assert outcome["played"] >= 3.5
    assert outcome["frames"] >= 80
    assert outcome["audioBytes"] > 0
    for kind in ("v", "a"):
        assert len(outcome["ranges"][kind]) == 1
        assert outcome["ranges"][kind][0][1] - outcome["ranges"][kind][0][0] >= 3.8
