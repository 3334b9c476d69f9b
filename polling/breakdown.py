"""Results by tier and region, pure, with small numbers withheld.

Groups are counted as "@tier.device", "@region.tehran" and, per answer, "@region.tehran|2". A
number from 1 to 9 could point at people, so it is withheld; so is whatever would let one be
computed by subtraction from the published totals. A tier or region with nobody in it is a zero
about nobody and stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from polling.poll_rules import TIERS

LEAST: Final = 10
"""Fewer people than this are withheld."""

TIER: Final = "@tier."
REGION: Final = "@region."
ELSEWHERE: Final = ""
"""The region of those whose region is not known."""


def withhold(numbers: Mapping[str, int]) -> dict[str, int | None]:
    """``numbers``, whose sum is known, with None in place of what must not be told.

    Everything from 1 to 9 is withheld. What is withheld can be subtracted from the sum, so it
    must be two numbers or more and 10 people or more: the smallest that are left follow it until
    it is so, the zeros last.
    """
    hidden = {name for name, number in numbers.items() if 0 < number < LEAST}
    left = sorted((n, name) for name, n in numbers.items() if n >= LEAST)

    def shows() -> bool:
        return bool(hidden) and (len(hidden) < 2 or sum(numbers[one] for one in hidden) < LEAST)

    while shows() and left:
        hidden.add(left.pop(0)[1])
    if shows():
        hidden = set(numbers)
    return {name: None if name in hidden else number for name, number in numbers.items()}


def tiers(groups: Mapping[str, int]) -> dict[str, int | None]:
    """How many answered in each tier; None: withheld. Empty where tiers were not counted."""
    if not groups:
        return {}
    return withhold({tier: groups.get(f"{TIER}{tier}", 0) for tier in TIERS})


def regions(
    groups: Mapping[str, int], counts: Mapping[str, int], total: int, tables: Iterable[list[str]]
) -> dict[str, dict[str, Any]]:
    """Region → ``{"total": n | None, "counts": {counter: n | None}}``.

    ``tables``: the counters of each question, whose overall ``counts`` are published. In one
    question a region's row is told whole or not at all: if only single cells were withheld, the
    row's and the column's sums could give them away.
    """
    people = {
        name.removeprefix(REGION): number
        for name, number in groups.items()
        if name.startswith(REGION) and "|" not in name
    }
    named = sorted(people)
    # Those without a region are the rest, which anybody can subtract.
    people[ELSEWHERE] = total - sum(people.values())
    told = withhold(people)
    rows: dict[str, dict[str, Any]] = {name: {"total": told[name], "counts": {}} for name in named}
    for table in tables:
        cells = _cells(groups, counts, named, table)
        hidden = _hidden_rows(cells, people, {name for name in people if told[name] is None})
        for name in named:
            rows[name]["counts"] |= {
                counter: None if name in hidden else number
                for counter, number in zip(table, cells[name], strict=True)
            }
    return rows


def _cells(
    groups: Mapping[str, int], counts: Mapping[str, int], named: list[str], table: list[str]
) -> dict[str, list[int]]:
    cells = {
        name: [groups.get(f"{REGION}{name}|{counter}", 0) for counter in table] for name in named
    }
    cells[ELSEWHERE] = [
        counts.get(counter, 0) - sum(cells[name][place] for name in named)
        for place, counter in enumerate(table)
    ]
    return cells


def _hidden_rows(
    cells: Mapping[str, list[int]], people: Mapping[str, int], hidden: set[str]
) -> set[str]:
    """Rows that must not be told: those with a small cell, and as many more as hide those.

    The hidden rows' sum in every column is known by subtraction, so there are two of them or
    more, and in each column together 10 or more.
    """
    inhabited = {name for name in cells if people[name] > 0}
    hidden = {
        name for name in inhabited if name in hidden or any(cell < LEAST for cell in cells[name])
    }
    left = sorted(inhabited - hidden, key=lambda name: (people[name], name))
    while hidden and left and not _hides(cells, hidden):
        hidden.add(left.pop(0))
    return hidden


def _hides(cells: Mapping[str, list[int]], hidden: set[str]) -> bool:
    columns = zip(*(cells[name] for name in hidden), strict=True)
    return len(hidden) > 1 and all(sum(column) >= LEAST for column in columns)
