"""Timestamps that jump, wrap or restart become media time that goes on; jitter stays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamd.media.units import Kind, Track, Unit
from streamd.relay.timeline import Timeline
from tests.relay.units import AAC, FRAME, VIDEO, picture, sound

BOTH: dict[Kind, Track] = {"v": VIDEO, "a": AAC}
SCALE = {"v": 90_000, "a": 48_000}


def shifted(unit: Unit, seconds: float) -> Unit:
    ticks = round(seconds * SCALE[unit.kind])
    return replace(unit, dts=unit.dts + ticks, pts=unit.pts + ticks)


def interleaved(seconds: float) -> list[tuple[float, Unit]]:
    """Pictures and sounds of a publisher without fault, each when it arrives."""
    units = [(number / 25, picture(number, key=number == 0)) for number in range(int(seconds * 25))]
    units += [
        (number * 1024 / 48_000, sound(number)) for number in range(int(seconds * 48_000 / 1024))
    ]
    return sorted(units, key=lambda pair: pair[0])


def placed(units: Iterable[tuple[float, Unit]], tracks: dict[Kind, Track] = BOTH) -> Played:
    return Played(units, tracks)


class Played:
    """What became of the units; ``errors`` are media seconds minus arrival, by kind."""

    def __init__(self, units: Iterable[tuple[float, Unit]], tracks: dict[Kind, Track]) -> None:
        self.timeline = Timeline(tracks)
        self.units = [(at, self.timeline.place(unit, at)) for at, unit in units]

    def errors(self, kind: Kind) -> list[float]:
        return [unit.dts / SCALE[kind] - at for at, unit in self.units if unit.kind == kind]

    def steps(self, kind: Kind) -> list[float]:
        times = [unit.dts / SCALE[kind] for _, unit in self.units if unit.kind == kind]
        return [after - before for before, after in pairwise(times)]


def test_sound_timestamps_pass_untouched() -> None:
    units = interleaved(3.0)
    assert [unit for _, unit in placed(units).units] == [unit for _, unit in units]


@pytest.mark.parametrize("jump", [3_600.0, -3_600.0, 47_721.858, -5.0, 20.0])
def test_both_tracks_jump_and_media_time_goes_on(jump: float) -> None:
    """An hour ahead, back, a wrap of 32 bits at 90 kHz: every unit from two seconds on."""
    played = placed(
        (at, shifted(unit, jump if at >= 2.0 else 0.0)) for at, unit in interleaved(6.0)
    )
    assert played.timeline.jumps == 1, "the second track followed the first onto its new footing"
    assert played.timeline.last_jump == pytest.approx(jump, abs=0.1)
    steps: dict[Kind, float] = {"v": 0.04, "a": 1024 / 48_000}
    for kind, step in steps.items():
        assert max(abs(one) for one in played.errors(kind)) < 0.05
        assert played.steps(kind) == pytest.approx([step] * len(played.steps(kind)), abs=0.025)
    apart = played.errors("v")[-1] - played.errors("a")[-1]
    assert abs(apart) < 0.03, "sound and picture stay together"


def test_the_tracks_jump_one_after_the_other() -> None:
    """An interleaver's queue: sound of before the jump arrives after pictures of past it."""
    late = [
        (at, shifted(unit, 3_600.0 if at >= (2.0 if unit.kind == "v" else 2.3) else 0.0))
        for at, unit in interleaved(6.0)
    ]
    played = placed(late)
    assert played.timeline.jumps == 1
    for kind in ("v", "a"):
        assert max(abs(one) for one in played.errors(kind)) < 0.05


def test_one_mad_timestamp_moves_nothing_else() -> None:
    units = interleaved(4.0)
    mad = [
        (at, shifted(u, 5_000.0) if u.kind == "v" and 1.99 < at < 2.02 else u) for at, u in units
    ]
    played = placed(mad)
    assert played.timeline.jumps == 1
    assert played.errors("v") == pytest.approx([0.0] * len(played.errors("v")), abs=0.001)
    assert played.errors("a") == pytest.approx([0.0] * len(played.errors("a")), abs=0.001)


def test_one_track_alone_restarts_its_clock() -> None:
    units = [
        (at, shifted(unit, -3.0) if unit.kind == "a" and at >= 3.0 else unit)
        for at, unit in interleaved(6.0)
    ]
    played = placed(units)
    assert played.timeline.jumps == 1
    assert max(abs(one) for one in played.errors("a")) < 0.05
    assert played.errors("v") == pytest.approx([0.0] * len(played.errors("v")), abs=0.001)


def test_a_silence_that_took_its_time_is_kept() -> None:
    units = [(at + (20.0 if at >= 2.0 else 0.0), unit) for at, unit in interleaved(4.0)]
    units = [(at, shifted(unit, 20.0 if at >= 20.0 else 0.0)) for at, unit in units]
    played = placed(units)
    assert played.timeline.jumps == 0
    assert max(played.steps("v")) == pytest.approx(20.04, abs=0.001)


def test_a_clock_that_restarts_after_a_silence_goes_on_at_the_wall_clock() -> None:
    units = [(at + (10.0 if at >= 2.0 else 0.0), unit) for at, unit in interleaved(4.0)]
    units = [(at, shifted(unit, -2.0 if at >= 10.0 else 0.0)) for at, unit in units]
    played = placed(units)
    assert played.timeline.jumps == 1
    assert played.errors("v")[-1] == pytest.approx(0.0, abs=0.05)
    assert played.errors("a")[-1] == pytest.approx(0.0, abs=0.05)


def test_what_a_blocked_line_delivers_at_once_is_no_jump() -> None:
    """Two seconds of pictures left out by the encoder, the sound all there, in one burst."""
    units = [
        (2.0 if 2.0 <= at < 6.0 else at, unit)
        for at, unit in interleaved(8.0)
        if unit.kind == "a" or not 2.0 <= at < 5.5
    ]
    played = placed(units)
    assert played.timeline.jumps == 0
    assert [unit for _, unit in played.units] == [unit for _, unit in units]


def test_jitter_is_kept_and_a_small_step_back_costs_a_tick() -> None:
    timeline = Timeline({"v": VIDEO})
    numbers = [5, 6, 6, 2, 7]
    times = [timeline.place(picture(n), i * 0.04) for i, n in enumerate(numbers)]
    assert [(unit.dts, unit.pts) for unit in times] == [
        (18_000, 18_000),
        (21_600, 21_600),
        (21_601, 21_601),
        (21_602, 21_602),
        (25_200, 25_200),
    ]
    assert timeline.jumps == 0
    assert [unit.duration for unit in times] == [FRAME, FRAME, None, None, FRAME]


def test_media_time_starts_where_the_source_says() -> None:
    early = shifted(picture(0, key=True), -1.5)
    timeline = Timeline({"v": VIDEO})
    assert timeline.start(early, anchored=True) == 1.5
    assert timeline.place(early, 0.0).dts == 0
    late = shifted(picture(0, key=True), 3_600.0)
    timeline = Timeline({"v": VIDEO})
    assert timeline.start(late, anchored=True) == 0.0
    assert timeline.start(late, anchored=False) == -3_600.0
    assert timeline.place(late, 0.0).dts == 0


def test_a_track_that_begins_an_hour_from_the_other_begins_beside_it() -> None:
    units = [(at, shifted(u, 3_600.0) if u.kind == "a" else u) for at, u in interleaved(2.0)]
    played = placed(units)
    assert played.timeline.jumps == 1
    assert max(abs(one) for one in played.errors("a")) < 0.05


def test_nonsense_beside_the_decode_time_is_left_out() -> None:
    timeline = Timeline({"v": VIDEO})
    timeline.place(picture(0, key=True), 0.0)
    broken = replace(picture(1), pts=picture(1).dts + 90_000 * 60, duration=90_000 * 3_600)
    unit = timeline.place(broken, 0.04)
    assert (unit.dts, unit.pts, unit.duration) == (FRAME, FRAME, None)
    b_frame = replace(picture(2), pts=picture(2).dts + 3 * FRAME)
    assert timeline.place(b_frame, 0.08) == b_frame


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["v", "a"]),
        st.integers(-(1 << 48), 1 << 48) | st.integers(-200_000, 200_000),
        st.floats(0, 40),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(MOVES)
def test_whatever_comes_media_time_rises_and_keeps_near_the_wall_clock(
    moves: list[tuple[Kind, int, float]],
) -> None:
    timeline = Timeline(BOTH)
    now, last, first = 0.0, {"v": -1, "a": -1}, True
    for kind, ticks, wait in moves:
        now += wait
        unit = replace(picture(0) if kind == "v" else sound(0), dts=ticks, pts=ticks)
        if first:
            timeline.start(unit, anchored=False)
            first = False
        got = timeline.place(unit, now)
        assert got.dts > last[kind]
        last[kind] = got.dts
        # Each unit may run ahead by what is taken for jitter, the first by where it starts.
        assert got.dts / SCALE[kind] <= 64.0 + now + 3.0 * len(moves)
