from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamd.webrtc.rtp_clock import DROPOUT, SequenceNumbers, Unwrapper


@given(
    st.sampled_from([16, 32]),
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(-1_000, 30_000), max_size=200),
)
def test_a_wrapping_counter_is_followed_through_wraps_and_disorder(
    bits: int, start: int, steps: list[int]
) -> None:
    size = 1 << bits
    start %= size
    clock = Unwrapper(bits)
    assert clock.take(start) == start
    highest = true = start
    for step in steps:
        true = highest + step
        assert clock.peek(true % size) == true
        assert clock.take(true % size) == true
        highest = max(highest, true)
        assert clock.highest == highest


def test_after_forgetting_the_next_value_is_taken_as_it_is() -> None:
    clock = Unwrapper(16)
    clock.take(65_535)
    assert clock.take(0) == 65_536
    clock.forget()
    assert clock.highest is None
    assert clock.take(40_000) == 40_000


def test_a_restart_is_believed_when_a_second_number_confirms_it() -> None:
    sequence = SequenceNumbers()
    assert [sequence.take(at) for at in (65_535, 0, 2)] == [65_535, 65_536, 65_538]
    assert sequence.take(30_000) is None
    assert sequence.take(3) == 65_539
    assert sequence.take(30_001) is None
    assert sequence.take(30_002) == 30_002
    assert sequence.restarts == 1
    assert sequence.highest == 30_002


@given(st.lists(st.integers(0, 65_535), max_size=100))
def test_places_of_one_run_never_jump_far(numbers: list[int]) -> None:
    sequence = SequenceNumbers()
    for number in numbers:
        before, restarts = sequence.highest, sequence.restarts
        place = sequence.take(number)
        if place is not None and before is not None and sequence.restarts == restarts:
            assert abs(place - before) <= DROPOUT
