"""RTP timestamps beside the wall clock, over generations and clocks set wrong."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamd.webrtc.media_clock import NTP_EPOCH, MediaClock, ntp_time

ORIGIN = 1_700_000_000.0


def clock() -> MediaClock:
    made = MediaClock({"v": 0xFFFFFF00, "a": 77})
    made.begin(1, ORIGIN)
    return made


def test_media_time_zero_is_the_offset() -> None:
    made = clock()
    assert made.timestamp("v", 0) == made.zero("v") == 0xFFFFFF00
    assert made.timestamp("a", 48_000) == 48_077
    assert made.timestamp("v", 0x100) == 0


def test_reports_put_sound_and_picture_at_one_time() -> None:
    made = clock()
    ntp, picture = made.at("v", ORIGIN + 2.5)
    assert made.at("a", ORIGIN + 2.5) == (ntp, (77 + 120_000) & 0xFFFFFFFF)
    assert picture == (0xFFFFFF00 + 225_000) & 0xFFFFFFFF
    assert ntp >> 32 == 1_700_000_002 + NTP_EPOCH
    assert ntp & 0xFFFFFFFF == 1 << 31
    assert ntp == ntp_time(ORIGIN + 2.5)


def test_the_next_generation_goes_on_by_the_wall_clock() -> None:
    made = clock()
    made.timestamp("v", 90_000)
    made.begin(2, ORIGIN + 10)
    assert made.gen == 2
    assert made.timestamp("v", 0) == (0xFFFFFF00 + 900_000) & 0xFFFFFFFF
    assert made.timestamp("a", 0) == 77 + 480_000


@given(st.floats(-4_000, 4_000), st.integers(0, 10**7), st.integers(0, 10**7))
def test_timestamps_never_step_back_and_tracks_stay_together(
    step: float, pictures: int, sounds: int
) -> None:
    made = clock()
    before = {"v": made.timestamp("v", pictures), "a": made.timestamp("a", sounds)}
    made.begin(2, ORIGIN + step)
    for kind in ("v", "a"):
        ahead = (made.timestamp(kind, 0) - before[kind]) & 0xFFFFFFFF
        assert 0 < ahead < 1 << 31
    video = ((made.zero("v") - 0xFFFFFF00) & 0xFFFFFFFF) / 90_000
    audio = ((made.zero("a") - 77) & 0xFFFFFFFF) / 48_000
    assert abs(video - audio) < 0.001
