"""The test card, decoded again: its clock, its flash and its tone say the same time."""

from __future__ import annotations

import asyncio
import io
import itertools
import time
from array import array
from fractions import Fraction
from typing import Literal

import av
import pytest

from streamd import config
from streamd.errors import AlreadyPublishing
from streamd.media import testcard_picture
from streamd.media.parts import Part
from streamd.relay import testcard
from streamd.relay.lifecycle import StreamState
from streamd.relay.stream import Stream
from streamd.relay.testcard import CardEncoder
from tests.relay.recording import Recording, samples, until

ORIGIN = Fraction(1_700_000_000) + Fraction(8, 25)
AUDIO = pytest.mark.parametrize("audio", ["aac", "opus"])


async def relayed(audio: Literal["aac", "opus"], pictures: int) -> Recording:
    """So many pictures of the card, made without waiting, through the relay."""
    stream = Stream("card", config.Relay())
    recording = Recording(stream)
    encoder = CardEncoder(ORIGIN, audio=audio, fps=25, width=640, height=360)
    publisher = stream.publish("testcard")
    publisher.announce(encoder.tracks, float(ORIGIN))
    for number in range(pictures):
        for unit in encoder.encode(number):
            publisher.write(unit)
    publisher.close()
    return recording


def clocks_and_flashes(data: bytes) -> tuple[list[tuple[float, int | None]], list[float]]:
    """Each picture's time and clock; the times at which the flash lights up."""
    clocks, flashes, lit = [], [], False
    with av.open(io.BytesIO(data), "r") as container:
        for frame in container.decode(video=0):
            luma, stride = bytes(frame.planes[0]), frame.planes[0].line_size
            at = float((frame.pts or 0) * (frame.time_base or 0))
            clocks.append(
                (at, testcard_picture.read_clock(luma, stride, frame.width, frame.height))
            )
            row = frame.height // testcard_picture.ROWS
            was, lit = lit, luma[(12 * row + row // 2) * stride + frame.width - 2 * row] > 128
            if lit and not was:
                flashes.append(at)
    return clocks, flashes


def beeps(data: bytes) -> list[float]:
    """The times at which sound follows a tenth of a second of silence."""
    onsets, quiet = [], 4_800
    with av.open(io.BytesIO(data), "r") as container:
        for frame in container.decode(audio=0):
            at = float((frame.pts or 0) * (frame.time_base or 0))
            left = array("f", bytes(frame.planes[0])[: frame.samples * 4])
            for index, level in enumerate(left):
                if abs(level) < 0.04:
                    quiet += 1
                    continue
                if quiet >= 4_800:
                    onsets.append(at + index / frame.sample_rate)
                quiet = 0
    return onsets


@AUDIO
async def test_flash_and_tone_are_together(audio: Literal["aac", "opus"]) -> None:
    recording = await relayed(audio, 120)
    _, flashes = clocks_and_flashes(recording.file("v"))
    tones = beeps(recording.file("a"))
    assert flashes == pytest.approx([0.68, 1.68, 2.68, 3.68, 4.68])
    assert len(tones) >= 4
    for flash, tone in zip(flashes, tones, strict=False):
        assert abs(flash - tone) <= 0.005


async def test_each_picture_shows_the_moment_of_its_capture() -> None:
    clocks, _ = clocks_and_flashes((await relayed("aac", 60)).file("v"))
    assert len(clocks) == 60
    for at, shown in clocks:
        assert shown is not None
        assert shown == pytest.approx((float(ORIGIN) + at) * 1000, abs=1)


@AUDIO
async def test_what_is_sent(audio: Literal["aac", "opus"]) -> None:
    recording = await relayed(audio, 76)
    tracks = recording.joins[1].tracks
    assert tracks["v"].codec.startswith("avc1.42")
    assert tracks["a"].codec == ("opus" if audio == "opus" else "mp4a.40.2")
    video = samples(recording.file("v"), "video")
    assert [sample.key for sample in video] == [number % 25 == 0 for number in range(76)]
    assert all(sample.dts == sample.pts for sample in video), "no B-frames"
    sound = samples(recording.file("a"), "audio")
    assert sound[0].dts >= 0
    assert {b.dts - a.dts for a, b in itertools.pairwise(sound)} == {sound[0].duration}


def test_a_keyframe_comes_when_asked_for() -> None:
    encoder = CardEncoder(ORIGIN, audio="aac", fps=25, width=640, height=360)
    keys = []
    for number in range(20):
        encoder.force_key = number == 7
        keys += [unit.key for unit in encoder.encode(number) if unit.kind == "v"]
    assert [number for number, key in enumerate(keys) if key] == [0, 7]


def test_rates_that_would_miss_the_whole_second_are_refused() -> None:
    for origin, fps in ((Fraction(0), 7), (Fraction(1, 3), 25)):
        with pytest.raises(ValueError, match="whole seconds"):
            CardEncoder(origin, audio="aac", fps=fps, width=640, height=360)


async def test_the_card_goes_out_in_real_time() -> None:
    stream = Stream("card", config.Relay())
    late: list[float] = []

    def on_part(part: Part) -> None:
        if part.v is not None and stream.started_at is not None:
            (sample,) = samples(stream.window.join(None).tracks["v"].init + part.v, "video")
            late.append(time.time() - stream.started_at - float(sample.pts))

    stream.window.listen(on_part)
    playing = asyncio.create_task(testcard.play(stream))
    await until(lambda: len(late) >= 30)
    assert stream.source == "testcard"
    with pytest.raises(AlreadyPublishing):
        await testcard.play(stream)
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert stream.state is StreamState.ENDED
    late.sort()
    assert late[0] >= 0, "no picture is sent before its moment"
    assert late[len(late) // 2] < 0.2


async def test_play_returns_when_the_relay_ends_the_publication() -> None:
    stream = Stream("card", config.Relay())
    playing = asyncio.create_task(testcard.play(stream, audio="opus"))
    await until(lambda: stream.state is not StreamState.IDLE)
    stream.close()
    async with asyncio.timeout(20):
        await playing
