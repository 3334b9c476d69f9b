"""Results by tier and region, pure, with small numbers withheld.

Groups are counted as "@tier.device", "@region.tehran" and, per answer, "@region.tehran|2". A
number from 1 to 9 could point at people, so it is withheld; so is whatever would let one be
computed by subtraction from what is published. A tier or region with nobody in it is a zero about
nobody and stays.

Both are told once, when no answer is counted any more: of two publications of an open poll the
difference is one person, and the moment at which a number comes or goes tells it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from polling.poll_rules import TIERS
from polling.questions import ONE_OF, Kind, Question

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
    return _withheld(numbers, {name for name, number in numbers.items() if _is_few(number)})


def tiers(groups: Mapping[str, int]) -> dict[str, int | None]:
    """How many answered in each tier; None: withheld. Empty where tiers were not counted.

    For finished polls alone.
    """
    if not groups:
        return {}
    return withhold({tier: groups.get(f"{TIER}{tier}", 0) for tier in TIERS})


def regions(
    groups: Mapping[str, int],
    counts: Mapping[str, int],
    total: int,
    sheet: Iterable[tuple[str, Question]],
) -> dict[str, dict[str, Any]]:
    """Region → ``{"total": n | None, "counts": {counter: n | None}}``. For finished polls alone.

    ``sheet``: each question with what its counters in ``counts``, which are published, begin with.
    In one question a region's row is told whole or not at all: if only single cells were withheld,
    the row's and the column's sums could give them away.
    """
    people = {
        name.removeprefix(REGION): number
        for name, number in groups.items()
        if name.startswith(REGION) and "|" not in name
    }
    told = _people_told(people, groups, total)
    named = sorted(people)
    rows: dict[str, dict[str, Any]] = {name: {"total": told[name], "counts": {}} for name in named}
    # Those without a region are the rest, which anybody can subtract.
    people[ELSEWHERE] = total - sum(people.values())
    for prefix, question in sheet:
        table = [f"{prefix}{counter}" for counter in question.counters]
        cells = _cells(groups, counts, named, table)
        hidden = _hidden_rows(question, cells, people, {one for one in told if told[one] is None})
        for name in named:
            rows[name]["counts"] |= {
                counter: None if name in hidden else number
                for counter, number in zip(table, cells[name], strict=True)
            }
    return rows


def _is_few(number: int) -> bool:
    return 0 < number < LEAST


def _withheld(numbers: Mapping[str, int], hidden: set[str]) -> dict[str, int | None]:
    left = sorted((n, name) for name, n in numbers.items() if n >= LEAST and name not in hidden)

    def shows() -> bool:
        return len(hidden) < 2 or sum(numbers[one] for one in hidden) < LEAST

    if hidden:
        while shows() and left:
            hidden.add(left.pop(0)[1])
        if shows():
            hidden = set(numbers)
    return {name: None if name in hidden else number for name, number in numbers.items()}


def _people_told(
    people: Mapping[str, int], groups: Mapping[str, int], total: int
) -> dict[str, int | None]:
    """How many answered in each region that has a name, small ones and what tells them withheld.

    Devices have no region, so the tiers may tell how many have none: those without are nobody
    that a small region could hide behind. And how far all the regions together are from whole
    tiers can be computed too; where that is a small number, regions are withheld until their sum
    is not known.
    """
    placed = sum(people.values())
    platform, code = (groups.get(f"{TIER}{tier}", 0) for tier in ("platform", "code"))
    apart = [total - placed, *(placed - some for some in (platform, code, platform + code))]
    hidden = {name for name, number in people.items() if _is_few(number)}
    if placed and not hidden and any(_is_few(abs(number)) for number in apart):
        hidden = {min((name for name in people if people[name]), key=people.__getitem__)}
    return _withheld(people, hidden)


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
    question: Question,
    cells: Mapping[str, Sequence[int]],
    people: Mapping[str, int],
    hidden: set[str],
) -> set[str]:
    """Rows that must not be told: those that tell a small number, and as many as hide those.

    The hidden rows' sum is known by subtraction, so there are two of them or more, and it may tell
    no small number either.
    """
    inhabited = {name for name in cells if people[name] > 0}
    hidden = hidden | {
        name for name in inhabited if not _may_tell(question, cells[name], people[name])
    }
    left = sorted(inhabited - hidden, key=lambda name: (people[name], name))
    while hidden and left and not _hides(question, cells, people, hidden & inhabited):
        hidden.add(left.pop(0))
    return hidden


def _hides(
    question: Question,
    cells: Mapping[str, Sequence[int]],
    people: Mapping[str, int],
    hidden: set[str],
) -> bool:
    together = [sum(column) for column in zip(*(cells[name] for name in hidden), strict=True)]
    number = sum(people[name] for name in hidden)
    return len(hidden) > 1 and _may_tell(question, together, number)


def _may_tell(question: Question, cells: Sequence[int], people: int) -> bool:
    """Whether ``cells``, with the number of ``people`` they are of, tell no small number."""
    return all(number >= LEAST for number in _each(question, cells, people)) and not any(
        _is_few(number) for number in _apart(question, cells, people)
    )


def _answered(question: Question, cells: Sequence[int], people: int) -> int:
    if question.kind is Kind.RANKING:
        choices = len(question.choices)
        return 2 * sum(cells) // (choices * (choices - 1))
    if question.counts_answers:
        return cells[-1]
    return sum(cells) if question.kind in ONE_OF else people


def _each(question: Question, cells: Sequence[int], people: int) -> Iterator[int]:
    """How many answered; for each choice those who chose it and those who answered without it.

    In these a zero is about everybody who answered, so it is withheld as a small number is. Points
    of a ranking are no people, but so few of them, or so few short of the most there can be, are
    of as few people or fewer.
    """
    answered = _answered(question, cells, people)
    yield answered
    most = answered * (len(question.choices) - 1 if question.kind is Kind.RANKING else 1)
    for number in cells[: len(question.choices)]:
        yield number
        yield most - number


def _apart(question: Question, cells: Sequence[int], people: int) -> Iterator[int]:
    """Those who left the question out, and how far all are from choosing the fewest or the most."""
    answered = _answered(question, cells, people)
    yield people - answered
    if question.kind is Kind.MULTIPLE:
        chosen = sum(cells[: len(question.choices)])
        yield chosen - question.minimum * answered
        yield question.maximum * answered - chosen
