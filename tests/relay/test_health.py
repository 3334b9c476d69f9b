from __future__ import annotations

from dataclasses import replace

import pytest

from streamd.relay.health import LinkHealth, Meter, Standing, snapshot
from streamd.relay.lifecycle import StreamState
from streamd.relay.loudness import Level
from streamd.relay.notices import Notice, NoticeCode
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


STANDING = Standing(
    state=StreamState.LIVE,
    source="whip",
    ends_in=None,
    live_since=-10.0,
    tracks={"v": VIDEO, "a": AAC},
    b_frames=2,
    level=Level(-20.0, False, 0.0),
    link=LinkHealth(loss_percent=1.0),
    dropped=3,
    delay_seconds=5.0,
    notices=(Notice(NoticeCode.B_FRAMES, 1.0),),
)


def test_a_snapshot_names_the_tracks() -> None:
    meter = Meter(0.0)
    meter.count(picture(0, key=True), 0.0)
    meter.count(picture(50, key=True), 2.0)
    seen = snapshot(STANDING, meter, 2.0)
    assert (seen.width, seen.height, seen.video_codec) == (640, 360, VIDEO.codec)
    assert (seen.audio_codec, seen.audio, seen.dropped) == ("mp4a.40.2", False, 3)
    assert (seen.sample_rate, seen.channels) == (48_000, 2)
    assert (seen.profile, seen.b_frames) == ("Constrained Baseline", 2)
    assert seen.keyframe_seconds == 2.0
    assert seen.uptime_seconds == 12.0
    assert (seen.link, seen.level) == (STANDING.link, STANDING.level)


def test_an_idle_stream_has_no_numbers() -> None:
    idle = replace(STANDING, state=StreamState.IDLE, source=None, tracks={}, live_since=None)
    seen = snapshot(idle, None, 1.0)
    assert (seen.fps, seen.bitrate_kbps, seen.uptime_seconds) == (0.0, 0.0, 0.0)
    assert seen.keyframe_seconds is None
    assert (seen.video_codec, seen.profile, seen.channels) == (None, "", 0)


def test_a_stalled_stream_says_when_it_ends() -> None:
    stalled = replace(STANDING, state=StreamState.STALLED, ends_in=12.34)
    assert snapshot(stalled, None, 1.0).ends_in_seconds == 12.3
