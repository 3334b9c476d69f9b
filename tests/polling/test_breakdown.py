from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from polling.breakdown import LEAST, regions, tiers, withhold


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


TABLE = ["1", "2", "3"]


@given(
    st.dictionaries(
        st.sampled_from(["", "tehran", "qom", "fars", "yazd"]),
        st.lists(st.integers(0, 40), min_size=3, max_size=3),
        max_size=5,
    )
)
def test_no_withheld_cell_can_be_computed_from_the_sums(cells: dict[str, list[int]]) -> None:
    groups: dict[str, int] = {}
    for name, row in cells.items():
        if name:
            groups[f"@region.{name}"] = sum(row)
            groups |= {f"@region.{name}|{c}": n for c, n in zip(TABLE, row, strict=True)}
    counts = {c: sum(row[place] for row in cells.values()) for place, c in enumerate(TABLE)}
    rows = regions(groups, counts, sum(counts.values()), [TABLE])
    assert set(rows) == set(cells) - {""}
    hidden = {name for name, row in rows.items() if None in row["counts"].values()}
    inhabited = {name for name, row in cells.items() if sum(row)}
    for name, shown in rows.items():
        told = list(shown["counts"].values())
        assert told == ([None] * 3 if name in hidden else cells[name])
        assert name in hidden or name not in inhabited or min(told) >= LEAST
        assert shown["total"] is None or shown["total"] == 0 or shown["total"] >= LEAST
    # Whoever subtracts the rows that are told gets those that are not, together.
    rest = (hidden | {""}) & inhabited
    if hidden and rest != inhabited:
        assert len(rest) > 1
        for place in range(3):
            assert sum(cells[name][place] for name in rest) >= LEAST


def test_a_region_that_is_alone_is_withheld_with_the_next_smallest() -> None:
    groups = {
        "@region.tehran": 100,
        "@region.qom": 40,
        "@region.fars": 5,
        **{f"@region.tehran|{c}": n for c, n in (("1", 60), ("2", 40))},
        **{f"@region.qom|{c}": n for c, n in (("1", 20), ("2", 20))},
        **{f"@region.fars|{c}": n for c, n in (("1", 5), ("2", 0))},
    }
    rows = regions(groups, {"1": 85, "2": 60}, 145, [["1", "2"]])
    assert rows == {
        "tehran": {"total": 100, "counts": {"1": 60, "2": 40}},
        "qom": {"total": None, "counts": {"1": None, "2": None}},
        "fars": {"total": None, "counts": {"1": None, "2": None}},
    }
