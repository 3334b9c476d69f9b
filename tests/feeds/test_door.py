from __future__ import annotations

from streamd.feeds.door import REFUSALS, REPORT_SECONDS, Door


def test_places_and_the_polite_refusals_beyond_them() -> None:
    door = Door(2)
    assert all(door.enter(number) for number in range(2 + REFUSALS))
    assert not door.enter("one more")
    assert len(door) == 2 + REFUSALS
    assert all(door.refuses(number) for number in range(2, 2 + REFUSALS))
    assert not door.refuses(0)
    assert len(door) == 2
    door.leave(0)
    door.leave(0)
    assert len(door) == 1
    assert door.enter("again")
    assert not door.refuses("again")


def test_one_report_a_minute_sums_up() -> None:
    door = Door(0)
    assert door.report(0.0) == 0
    for number in range(3):
        door.enter(number)
        assert door.refuses(number)
    assert door.report(1.0) == 3
    door.enter(4)
    assert door.refuses(4)
    assert door.report(1.0 + REPORT_SECONDS / 2) == 0
    door.enter(5)
    assert door.refuses(5)
    assert door.report(1.0 + REPORT_SECONDS) == 2
    assert door.report(1.0 + 3 * REPORT_SECONDS) == 0
