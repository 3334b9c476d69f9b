from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.media.units import Kind
from streamd.webrtc.alignment import (
    ABSURD_SECONDS,
    CORRECTION_SECONDS,
    REST_SECONDS,
    Alignment,
)

RATES: dict[Kind, int] = {"v": 90_000, "a": 48_000}
NTP = 4_000_000_000.0


class Sender:
    """A camera and a microphone with clocks of their own and different ways to us."""

    def __init__(
        self, seed: int, video_delay: float, audio_delay: float, drift: float = 0.0
    ) -> None:
        noise = random.Random(seed)
        self.base: dict[Kind, int] = {"v": noise.randrange(2**32), "a": noise.randrange(2**32)}
        self.delay: dict[Kind, float] = {"v": video_delay, "a": audio_delay}
        self.drift = drift

    def timestamp(self, kind: Kind, moment: float) -> int:
        rate = RATES[kind] * (1 + self.drift if kind == "a" else 1)
        return self.base[kind] + round(moment * rate)


def played(
    alignment: Alignment,
    sender: Sender,
    seconds: float,
    reports_from: float | None,
    start: float = 0.0,
) -> dict[Kind, list[tuple[float, float]]]:
    """(moment, media seconds) of each unit; a key picture every second, reports every second."""
    units: dict[Kind, list[tuple[float, float]]] = {"v": [], "a": []}
    sounds = [start + index / 50 for index in range(round(seconds * 50))]
    pictures = [start + index / 30 for index in range(round(seconds * 30))]
    reports = [start + index + 0.5 for index in range(round(seconds))]
    moments = [(moment + sender.delay["a"], "a", moment) for moment in sounds]
    moments += [(moment + sender.delay["v"], "v", moment) for moment in pictures]
    if reports_from is not None:
        moments += [(at, "report", at) for at in reports if at >= reports_from]
    for now, what, moment in sorted(moments):
        if what == "report":
            for kind in RATES:
                alignment.reported(kind, NTP + moment, sender.timestamp(kind, moment))
            continue
        kind = "v" if what == "v" else "a"
        timestamp = sender.timestamp(kind, moment)
        alignment.arrived(kind, timestamp, now)
        if not alignment.started:
            if kind != "v":
                continue
            alignment.start("v", timestamp)
        key = kind == "v" and round(moment * 30) % 30 == 0
        media = alignment.place(kind, timestamp, now, keyframe=key) / RATES[kind]
        units[kind].append((moment, media))
    return units


def offset(units: dict[Kind, list[tuple[float, float]]]) -> float:
    """Seconds that sound plays early against the picture, at the end."""
    (v_moment, v_media), (a_moment, a_media) = units["v"][-1], units["a"][-1]
    return (v_media - v_moment) - (a_media - a_moment)


def assert_never_steps_back(units: dict[Kind, list[tuple[float, float]]]) -> None:
    for track in units.values():
        media = [at for _, at in track]
        assert all(before < after for before, after in itertools.pairwise(media))


@given(st.integers(), st.floats(0, 0.4), st.floats(0, 0.4))
def test_by_arrival_the_offset_is_the_difference_of_the_delays(
    seed: int, video_delay: float, audio_delay: float
) -> None:
    units = played(Alignment(RATES), Sender(seed, video_delay, audio_delay), 3, None)
    assert_never_steps_back(units)
    assert offset(units) == pytest.approx(video_delay - audio_delay, abs=0.002)


@given(st.integers(), st.floats(0, 0.4), st.floats(0, 0.4))
def test_sender_reports_bring_the_tracks_together(
    seed: int, video_delay: float, audio_delay: float
) -> None:
    alignment = Alignment(RATES)
    units = played(alignment, Sender(seed, video_delay, audio_delay), 8, 2.0)
    assert_never_steps_back(units)
    assert abs(offset(units)) <= CORRECTION_SECONDS + 0.002
    assert len(alignment.corrections) <= 1


def test_the_correction_comes_at_a_keyframe_and_only_once() -> None:
    alignment = Alignment(RATES)
    units = played(alignment, Sender(1, 0.2, 0.05), 10, 2.0)
    assert alignment.corrections == [pytest.approx(0.15, abs=0.002)]
    steps = [
        (moment, after - before)
        for (_, before), (moment, after) in zip(units["a"], units["a"][1:], strict=False)
        if abs(after - before - 0.02) > 0.001
    ]
    assert len(steps) == 1
    assert steps[0][1] == pytest.approx(0.17, abs=0.002)
    assert steps[0][0] == pytest.approx(3.15, abs=0.03)


def test_drifting_clocks_are_kept_together_for_an_hour() -> None:
    alignment = Alignment(RATES)
    sender = Sender(3, 0.05, 0.05, drift=100e-6)
    played(alignment, sender, 4, 0.0)
    for minute in range(1, 61):
        units = played(alignment, sender, 2, 0.0, start=60.0 * minute)
        assert_never_steps_back(units)
        assert abs(offset(units)) <= 0.040
    assert 10 <= len(alignment.corrections) <= 32


def test_unbelievable_reports_are_ignored() -> None:
    alignment = Alignment(RATES)
    sender = Sender(4, 0.05, 0.05)
    played(alignment, sender, 1, None)
    for _ in range(3):
        alignment.reported("v", NTP, sender.timestamp("v", 1.0))
        alignment.reported("a", NTP + ABSURD_SECONDS + 1, sender.timestamp("a", 1.0))
    units = played(alignment, sender, 2, None, start=1.0)
    assert alignment.corrections == []
    assert abs(offset(units)) < 0.002
    alignment.reported("a", 0.0, 5)


def test_a_single_wrong_report_moves_nothing() -> None:
    alignment = Alignment(RATES)
    sender = Sender(5, 0.05, 0.05)
    played(alignment, sender, 4, 0.0)
    alignment.reported("a", NTP + 4.3, sender.timestamp("a", 4.0))
    played(alignment, sender, 3, None, start=4.0)
    assert alignment.corrections == []


def test_a_sender_whose_reports_are_noise_is_corrected_rarely() -> None:
    alignment = Alignment(RATES)
    sender = Sender(7, 0.05, 0.05)
    noise = random.Random(7)
    for second in range(90):
        units = played(alignment, sender, 1, None, start=float(second))
        assert_never_steps_back(units)
        for kind in RATES:
            ntp = NTP + second + noise.uniform(-0.4, 0.4)
            alignment.reported(kind, ntp, sender.timestamp(kind, float(second)))
    assert len(alignment.corrections) <= 1
    assert 90 / REST_SECONDS >= 3


def test_a_large_offset_is_believed_when_three_reports_agree() -> None:
    alignment = Alignment(RATES)
    sender = Sender(8, 0.9, 0.05)
    early = played(alignment, sender, 1.9, 0.0)
    assert alignment.corrections == []
    late = played(alignment, sender, 4, 2.0, start=2.0)
    assert_never_steps_back({kind: early[kind] + late[kind] for kind in RATES})
    assert len(alignment.corrections) == 1
    assert abs(offset(late)) <= CORRECTION_SECONDS + 0.002


def test_a_timestamp_that_jumps_is_placed_by_arrival() -> None:
    alignment = Alignment(RATES)
    sender = Sender(6, 0.05, 0.05)
    before = played(alignment, sender, 2, 0.0)
    sender.base["v"] += 12_345_678
    sender.base["a"] -= 9_876_543
    after = played(alignment, sender, 4, 2.0, start=2.0)
    assert_never_steps_back({kind: before[kind] + after[kind] for kind in RATES})
    assert after["v"][0][1] == pytest.approx(2.0, abs=0.05)
    assert abs(offset(after)) <= CORRECTION_SECONDS + 0.002


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["v", "a"]), st.integers(0, 2**33), st.floats(0, 1e4), st.booleans()
        ),
        max_size=50,
    )
)
def test_any_timestamps_give_rising_media_time(steps: list[tuple[Kind, int, float, bool]]) -> None:
    alignment = Alignment(RATES)
    last: dict[Kind, int] = {"v": -1, "a": -1}
    for kind, timestamp, now, key in sorted(steps, key=lambda step: step[2]):
        alignment.arrived(kind, timestamp, now)
        if not alignment.started:
            alignment.start(kind, timestamp)
        media = alignment.place(kind, timestamp, now, keyframe=key and kind == "v")
        assert media > last[kind]
        last[kind] = media
        alignment.reported(kind, now, timestamp)
