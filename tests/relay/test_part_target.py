from __future__ import annotations

from fractions import Fraction

import pytest

from streamd.relay.part_target import LEAST, PartTarget, suitable

WISH = Fraction(334, 1000)
AAC = Fraction(1024, 48_000)


@pytest.mark.parametrize(
    "rate", [60, 50, 30, 25, 24, 20, 18, 17, 16, 15, 14, 13, 12, 10, 9, 7, 6, 3]
)
def test_the_wish_suits_the_usual_pictures(rate: int) -> None:
    assert suitable(WISH, [Fraction(1, rate), AAC]) == WISH


@pytest.mark.parametrize("rate", [11, 8, 5, 4, 2, 1])
def test_slow_pictures_ask_for_longer_parts(rate: int) -> None:
    frame = Fraction(1, rate)
    target = suitable(WISH, [frame, AAC])
    assert target > WISH
    for one in (frame, AAC):
        whole = target // one * one
        assert LEAST * target <= whole <= target


def test_slower_than_any_part_changes_nothing() -> None:
    assert suitable(WISH, [Fraction(5)]) == WISH
    assert suitable(WISH, []) == WISH


def test_it_is_settled_once() -> None:
    target = PartTarget(334)
    assert target.least == LEAST * WISH
    target.settle([Fraction(1, 5)])
    assert target.seconds == Fraction(400, 1000)
    target.settle([Fraction(1, 25)])
    assert target.seconds == Fraction(400, 1000)
    assert target.least == LEAST * Fraction(400, 1000)
