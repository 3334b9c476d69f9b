"""Timestamps: the 32-bit wrap, jumps, and sound without rounding."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamd.rtmp.clocks import Milliseconds, SampleClock


def test_the_24_bit_and_the_32_bit_wrap() -> None:
    clock = Milliseconds()
    stamps = [0xFFFFFF0, 0xFFFFFFF, 0x10000010, 0xFFFFFFF0, 0x10, 0x38]
    taken = [clock.take(stamp) for stamp in stamps[:3]]
    assert taken == stamps[:3]
    again = Milliseconds()
    taken = [again.take(stamp) for stamp in stamps[3:]]
    assert taken == [0xFFFFFFF0, 0x100000010, 0x100000038]


@given(st.lists(st.integers(-(1 << 31), (1 << 31) - 1), max_size=20), st.integers(0, 0xFFFFFFFF))
def test_steps_of_less_than_half_the_range_are_taken_as_they_are(
    steps: list[int], start: int
) -> None:
    clock, now = Milliseconds(), start
    assert clock.take(start) == start
    for step in steps:
        now += step
        assert clock.take(now & 0xFFFFFFFF) == now


def test_sound_follows_its_samples_and_not_the_rounding() -> None:
    for rate in (44_100, 48_000, 22_050):
        clock = SampleClock(rate)
        starts = [clock.take(number * 1024 * 1000 // rate, 1024) for number in range(2_000)]
        assert starts == [number * 1024 for number in range(2_000)]


def test_sound_that_was_lost_leaves_its_gap() -> None:
    clock = SampleClock(48_000)
    assert clock.take(0, 1024) == 0
    assert clock.take(21, 1024) == 1024
    assert clock.take(128, 1024) == 128 * 48
    assert clock.take(149, 1024) == 128 * 48 + 1024


def test_a_jump_back_is_told_as_it_is() -> None:
    clock = SampleClock(48_000)
    clock.take(10_000, 1024)
    assert clock.take(1_000, 1024) == 48_000
