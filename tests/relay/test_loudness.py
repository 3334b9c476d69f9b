"""The level of real AAC and Opus sound, decoded only when somebody asks."""

from __future__ import annotations

import asyncio
import math
from array import array
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
import pytest

from streamd.media import aac, opus
from streamd.media.units import Track, Unit
from streamd.relay import loudness
from streamd.relay.loudness import FLOOR_DB, Loudness, measured


def tone(
    codec: str, amplitude: float, seconds: float = 1.0, layout: str = "stereo", rate: int = 48_000
) -> tuple[Track, list[Unit]]:
    """A tone of 440 Hz, encoded; ``amplitude`` over 1 is cut off at the limit."""
    encoder: Any = av.CodecContext.create("libopus" if codec == "opus" else "aac", "w")
    encoder.sample_rate, encoder.layout = rate, layout
    encoder.format = "flt" if codec == "opus" else "fltp"
    encoder.time_base, encoder.bit_rate = Fraction(1, rate), 192_000
    encoder.flags |= av.codec.context.Flags.global_header
    encoder.open()
    size = 960 if codec == "opus" else 1024
    channels = len(encoder.layout.channels)
    units: list[Unit] = []
    for start in range(0, int(seconds * rate), size):
        wave = [
            max(-1.0, min(1.0, amplitude * math.sin(2 * math.pi * 440 * n / rate)))
            for n in range(start, start + size)
        ]
        frame: Any = av.AudioFrame(encoder.format.name, layout, size, align=1)
        if codec == "opus":
            both = [sample for sample in wave for _ in range(channels)]
            frame.planes[0].update(memoryview(array("f", both)).cast("B"))
        else:
            for plane in frame.planes:
                plane.update(memoryview(array("f", wave)).cast("B"))
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        for packet in encoder.encode(frame):
            number = len(units)
            units.append(Unit("a", number * size, number * size, True, bytes(packet), size))
    head = bytes(encoder.extradata)
    track = (
        opus.opus_track(channels, opus.dops_from_head(head))
        if codec == "opus"
        else aac.audio_track(head)
    )
    return track, units


@pytest.mark.parametrize(
    ("codec", "layout", "rate"),
    [
        ("aac", "stereo", 48_000),
        ("aac", "mono", 44_100),
        ("aac", "5.1", 48_000),
        ("opus", "stereo", 48_000),
        ("opus", "mono", 48_000),
    ],
)
def test_a_tones_level(codec: str, layout: str, rate: int) -> None:
    found = measured(*tone(codec, 0.1, 0.5, layout, rate))
    assert found is not None
    # A sine of amplitude 0.1 has -20 dB of peak and 3 less of mean.
    assert found[0] == pytest.approx(-23.0, abs=1.5)
    assert not found[1]


def test_silence_and_sound_at_the_limit() -> None:
    silent = measured(*tone("aac", 0.0, 0.5))
    assert silent is not None
    assert silent[0] <= -80.0
    cut = measured(*tone("aac", 4.0, 0.5))
    assert cut is not None
    assert cut[1]
    assert cut[0] > -3.0


def test_sound_that_cannot_be_decoded_has_no_level() -> None:
    track, units = tone("aac", 0.1, 0.2)
    assert measured(track, [replace(unit, payload=b"\xff" * 7) for unit in units]) is None
    assert measured(replace(track, config=b""), []) is None
    assert measured(replace(track, codec="opus", config=b"\1"), units) is None


class Listened:
    """A Loudness that is fed a tone a second and read."""

    def __init__(self) -> None:
        self.loudness = Loudness()
        self.now = 100.0

    async def second(self, amplitude: float | None) -> loudness.Level | None:
        self.now += 2.0
        if amplitude is not None:
            track, units = tone("aac", amplitude, 0.2)
            self.loudness._track = self.loudness._track or track
            for unit in units:
                self.loudness.note(self.loudness._track, unit, self.now)
        return await self.loudness.measure(self.now)


async def test_quiet_is_counted_while_somebody_reads() -> None:
    heard = Listened()
    assert await heard.second(None) is None
    loud = await heard.second(0.2)
    assert loud is not None
    assert loud.quiet_seconds == 0.0
    for seconds in (0.0, 2.0, 4.0):
        quiet = await heard.second(0.0)
        assert quiet is not None
        assert (quiet.quiet_seconds, quiet.decibels <= -55) == (seconds, True)
    heard.now += 60.0
    unwatched = await heard.second(0.0)
    assert unwatched is not None
    assert unwatched.quiet_seconds == 0.0, "nobody knows what was between"
    again = await heard.second(0.2)
    assert again is not None
    assert again.quiet_seconds == 0.0


async def test_many_readers_cost_one_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def counted(_track: Track, units: list[Unit]) -> tuple[float, bool]:
        calls.append(len(units))
        return FLOOR_DB, False

    monkeypatch.setattr(loudness, "measured", counted)
    heard = Listened()
    track, units = tone("aac", 0.1, 0.1)
    for unit in units:
        heard.loudness.note(track, unit, 100.0)
    readings = [asyncio.ensure_future(heard.loudness.measure(100.2)) for _ in range(50)]
    await asyncio.sleep(0)
    readings[0].cancel()
    levels = await asyncio.gather(*readings, return_exceptions=True)
    assert len(calls) == 1
    assert isinstance(levels[0], asyncio.CancelledError)
    assert {level for level in levels[1:] if not isinstance(level, BaseException)} == {
        loudness.Level(FLOOR_DB, False, 0.0)
    }
    assert await heard.loudness.measure(101.0) is not None
    assert len(calls) == 1
    assert heard.loudness.last(105.0) is not None
    assert heard.loudness.last(111.0) is None


async def test_what_is_kept_is_a_second_and_bounded() -> None:
    heard = Loudness()
    track, units = tone("opus", 0.1, 0.1)
    for number in range(1_000):
        heard.note(track, units[0], 100.0 + number / 50)
    assert len(heard._units) <= 51
    for _ in range(1_000):
        heard.note(track, units[0], 200.0)
    assert len(heard._units) == loudness.MOST_UNITS
    other = replace(track)
    heard.note(other, units[0], 200.0)
    assert len(heard._units) == 1
