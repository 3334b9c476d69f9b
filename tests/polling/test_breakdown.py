from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from polling.breakdown import LEAST, regions, tiers, withhold
from polling.questions import Choice, Kind, Question

SINGLE = Question("q1", Kind.SINGLE, "Which?", (Choice("1", "One"), Choice("2", "Two")))


def test_small_numbers_take_another_with_them() -> None:
    assert withhold({"a": 100, "b": 20, "c": 3}) == {"a": 100, "b": None, "c": None}
    assert withhold({"a": 100, "b": 20, "c": 0}) == {"a": 100, "b": 20, "c": 0}
    assert withhold({"a": 6, "b": 6, "c": 30}) == {"a": None, "b": None, "c": 30}
    assert withhold({"a": 5, "b": 4, "c": 30, "d": 40}) == {
        "a": None,
        "b": None,
        "c": None,
        "d": 40,
    }
    assert withhold({"a": 5, "b": 0}) == {"a": None, "b": None}


def test_all_tiers_stand_beside_a_result() -> None:
    assert tiers({}) == {}
    assert tiers({"@tier.device": 12, "@tier.code": 30}) == {
        "device": 12,
        "platform": 0,
        "code": 30,
    }
    assert tiers({"@tier.device": 3}) == {"device": None, "platform": None, "code": None}


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 60), max_size=6))
def test_no_withheld_number_can_be_computed_from_the_sum(numbers: dict[str, int]) -> None:
    told = withhold(numbers)
    hidden = [name for name, number in told.items() if number is None]
    assert all(number == 0 or number >= LEAST for number in told.values() if number is not None)
    assert all(told[name] in (None, number) for name, number in numbers.items())
    if hidden and len(hidden) < len(numbers):
        assert len(hidden) > 1
        assert sum(numbers[name] for name in hidden) >= LEAST


def test_a_region_that_is_alone_is_withheld_with_the_next_smallest() -> None:
    groups = {
        "@region.tehran": 100,
        "@region.qom": 40,
        "@region.fars": 5,
        **{f"@region.tehran|{c}": n for c, n in (("1", 60), ("2", 40))},
        **{f"@region.qom|{c}": n for c, n in (("1", 20), ("2", 20))},
        **{f"@region.fars|{c}": n for c, n in (("1", 5), ("2", 0))},
    }
    rows = regions(groups, {"1": 85, "2": 60}, 145, [("", SINGLE)])
    assert rows == {
        "tehran": {"total": 100, "counts": {"1": 60, "2": 40}},
        "qom": {"total": None, "counts": {"1": None, "2": None}},
        "fars": {"total": None, "counts": {"1": None, "2": None}},
    }
