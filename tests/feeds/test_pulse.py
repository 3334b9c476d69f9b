from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamd.feeds.pulse import PONG_SECONDS, Pulse


@given(period=st.integers(1, 40), members=st.integers(0, 60))
def test_everyone_is_due_once_a_period_and_checked_once(period: int, members: int) -> None:
    wheel: Pulse[int] = Pulse(period)
    for member in range(members):
        wheel.add(member)
    answered: list[int] = []
    due: list[int] = []
    for _ in range(period):
        late, now = wheel.tick()
        answered += late
        due += now
    assert sorted(due) == sorted(answered) == list(range(members))


def test_a_ping_is_checked_after_the_patience_and_before_the_next() -> None:
    wheel: Pulse[str] = Pulse(25)
    wheel.add("a")
    pinged = checked = 0
    for second in range(1, 100):
        late, now = wheel.tick()
        if "a" in late and pinged:
            checked = second
            break
        if "a" in now:
            pinged = second
    assert checked - pinged == PONG_SECONDS


def test_arrivals_in_one_second_are_spread_over_the_wheel() -> None:
    wheel: Pulse[int] = Pulse(10)
    for member in range(100):
        wheel.add(member)
    assert [len(wheel.tick()[1]) for _ in range(10)] == [10] * 10


def test_a_removed_member_is_never_due_again() -> None:
    wheel: Pulse[str] = Pulse(1)
    wheel.add("a")
    wheel.remove("a")
    wheel.remove("never there")
    assert wheel.tick() == ([], [])
    assert len(wheel) == 0
