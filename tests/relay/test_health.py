from __future__ import annotations

import pytest

from streamd.relay.health import Meter, snapshot
from streamd.relay.lifecycle import StreamState
from tests.relay.units import AAC, VIDEO, picture, sound


def test_rates_are_means_over_the_last_seconds() -> None:
    meter = Meter(100.0)
    for number in range(250):
        meter.count(picture(number, key=number % 50 == 0, size=996), 100.0 + number / 25)
    fps, kbps, audio = meter.rates(110.0)
    assert fps == pytest.approx(25, abs=0.5)
    assert kbps == pytest.approx(25 * 1000 * 8 / 1000, rel=0.02)
    assert not audio
    assert meter.keyframe_ticks == 50 * 3_600
    assert meter.uptime(110.0) == 10.0


def test_a_young_stream_is_measured_over_its_own_age() -> None:
    meter = Meter(0.0)
    for number in range(13):
        meter.count(picture(number, key=number == 0), number / 25)
    assert meter.rates(0.5)[0] == pytest.approx(26, abs=1)


def test_silence_brings_the_rates_down() -> None:
    meter = Meter(0.0)
    meter.count(picture(0, key=True), 0.0)
    meter.count(sound(0), 0.0)
    assert meter.rates(1.0)[2]
    assert meter.rates(10.0) == (0.0, 0.0, False)


def test_a_snapshot_names_the_tracks() -> None:
    meter = Meter(0.0)
    meter.count(picture(0, key=True), 0.0)
    meter.count(picture(50, key=True), 2.0)
    seen = snapshot(
        state=StreamState.LIVE,
        source="whip",
        tracks={"v": VIDEO, "a": AAC},
        meter=meter,
        dropped=3,
        now=2.0,
    )
    assert (seen.width, seen.height, seen.video_codec) == (640, 360, VIDEO.codec)
    assert (seen.audio_codec, seen.audio, seen.dropped) == ("mp4a.40.2", False, 3)
    assert seen.keyframe_seconds == 2.0


def test_an_idle_stream_has_no_numbers() -> None:
    seen = snapshot(state=StreamState.IDLE, source=None, tracks={}, meter=None, dropped=0, now=1.0)
    assert (seen.fps, seen.bitrate_kbps, seen.uptime_seconds) == (0.0, 0.0, 0.0)
    assert seen.keyframe_seconds is None
    assert seen.video_codec is None
