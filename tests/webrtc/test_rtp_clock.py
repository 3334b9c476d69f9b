from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamd.webrtc.rtp_clock import Unwrapper


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
