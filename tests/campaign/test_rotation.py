"""The published rotation: each candidate stands once in each place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from streamd.campaign.rotation import rotated


@dataclass(frozen=True)
class Standing:
    number: int


@given(st.sets(st.integers(1, 99), max_size=12), st.dates(max_value=date(9000, 1, 1)))
def test_over_as_many_days_as_candidates_each_has_each_place_once(
    numbers: set[int], start: date
) -> None:
    candidates = [Standing(number) for number in numbers]
    orders = [
        [one.number for one in rotated(candidates, start + timedelta(days=day))]
        for day in range(len(candidates))
    ]
    for place in range(len(candidates)):
        assert {order[place] for order in orders} == numbers


def test_no_candidates_no_order() -> None:
    assert rotated([], date(2026, 1, 1)) == []
