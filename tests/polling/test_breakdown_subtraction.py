"""No number of people from 1 to 9 comes out of what is published, however it is subtracted."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from polling.answers import admit
from polling.breakdown import LEAST, REGION
from polling.drafting import draft_sheet
from polling.model import Ballot, Poll, Tally
from polling.poll_rules import TIERS, PollRules
from polling.questions import Asked, Kind
from polling.results import regions
from polling.rules import PollState
from polling.visibility import Audience

ABC = ("One", "Two", "Three")
SHEET = [
    Asked("Single?", choices=ABC[:2], required=False),
    Asked("Several?", kind=Kind.MULTIPLE, choices=ABC, minimum=1, maximum=2, required=False),
    Asked("All?", kind=Kind.MULTIPLE, choices=ABC),
    Asked("Order?", kind=Kind.RANKING, choices=ABC, required=False),
    Asked("Two?", kind=Kind.RANKING, choices=ABC[:2]),
    Asked("Mark?", kind=Kind.RATING, required=False),
    Asked("Right?", kind=Kind.QUIZ, choices=ABC, right=("2",)),
    Asked("Words?", kind=Kind.TEXT, required=False),
]
PLACES = ("", "qom", "fars", "yazd")
Said = tuple[str, ...]
Group = tuple[str, str, Said, int]
"""Tier, region, answer, how many people."""


@functools.cache
def polls() -> list[Poll]:
    """A poll of each kind."""
    made = []
    for asked in SHEET:
        # Of one question alone an answer is required; beside others it need not be.
        sure = msgspec.structs.replace(asked, required=True)
        drafted = draft_sheet("alef", [sure], "@asker", PollRules(), now=1.0)
        question = msgspec.structs.replace(drafted.questions[0], required=asked.required)
        made.append(msgspec.structs.replace(drafted, questions=(question,), state=PollState.CLOSED))
    return made


@functools.cache
def answers(poll: Poll) -> list[Said]:
    """All the answers there can be; of a text one, which stands for all."""
    question = poll.questions[0]
    skipped = [] if question.required else [()]
    ids = [choice.id for choice in question.choices]
    if question.kind is Kind.TEXT:
        return [*skipped, ("water",)]
    if question.kind is Kind.RANKING:
        return [*skipped, *itertools.permutations(ids)]
    sizes = range(question.minimum, question.maximum + 1)
    return [*skipped, *(one for n in sizes for one in itertools.combinations(ids, n))]


def counted(poll: Poll, groups: Sequence[Group]) -> Tally:
    sums: Counter[str] = Counter()
    total = 0
    for tier, region, said, people in groups:
        ballot = Ballot(poll.id, said)
        if poll.holds_text:
            ballot = Ballot(poll.id, answers={"q1": said[0]} if said else {})
        for counter, number in admit(poll, ballot, tier, region).deltas:
            sums[counter] += number * people
        total += people
    told = {counter: sums[counter] for counter in poll.counters}
    apart = {counter: n for counter, n in sums.items() if counter.startswith("@")}
    return Tally(poll.id, poll.state, total, total, told, apart)


def forms(poll: Poll, said: Said) -> list[int]:
    """What one person who gave ``said`` adds: to the people, then to each counter."""
    one = counted(poll, [("code", "qom", said, 1)])
    return [1, *(one.counts[counter] for counter in poll.counters)]


@functools.cache
def subtractions(poll: Poll) -> list[tuple[int, ...]]:
    """Every sum and difference of a row's numbers that is a number of people, or bounds one."""
    columns = [forms(poll, said) for said in answers(poll)]
    width = len(columns[0])
    factors = range(-2, 3) if width < 6 else range(-1, 2)
    return [
        factor
        for factor in itertools.product(range(-3, 4), *[factors] * (width - 1))
        if all(of(factor, column) >= 0 for column in columns)
    ]


def of(factors: Sequence[int], numbers: Sequence[int]) -> int:
    return sum(factor * number for factor, number in zip(factors, numbers, strict=True))


def groups_of(poll: Poll) -> st.SearchStrategy[list[Group]]:
    def grouped(tier: str) -> st.SearchStrategy[Group]:
        number = st.one_of(st.integers(0, 14), st.integers(10, 120))
        # Devices have no region.
        place = st.just("") if tier == "device" else st.sampled_from(PLACES)
        return st.tuples(st.just(tier), place, st.sampled_from(answers(poll)), number)

    return st.lists(st.sampled_from(TIERS).flatmap(grouped), max_size=24)


def few(number: int) -> bool:
    return 0 < abs(number) < LEAST


def slices(
    poll: Poll, tally: Tally, rows: Mapping[str, Mapping[str, object]]
) -> Iterator[tuple[list[str], list[int]]]:
    """The people and the counters of each told row, and what is left when all are subtracted."""
    left = [tally.total, *(tally.counts[counter] for counter in poll.counters)]
    told = []
    for name, row in rows.items():
        cells = row["counts"]
        assert isinstance(cells, dict)
        if None in cells.values():
            assert set(cells.values()) == {None}
            continue
        assert isinstance(row["total"], int)
        shown = [row["total"], *(cells[counter] for counter in poll.counters)]
        told.append(name)
        left = [one - other for one, other in zip(left, shown, strict=True)]
        yield [name], shown
    if left[0] < tally.total:
        yield ["all but", *told], left


@pytest.mark.parametrize("kind", range(len(SHEET)), ids=[one.text for one in SHEET])
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_row_of_a_region_tells_a_small_number(kind: int, data: st.DataObject) -> None:
    poll = polls()[kind]
    tally = counted(poll, data.draw(groups_of(poll)))
    rows = regions(poll, tally)
    assert set(rows) == {
        name.removeprefix(REGION)
        for name in tally.groups
        if name.startswith(REGION) and "|" not in name
    }
    for name, row in rows.items():
        number = tally.groups[f"{REGION}{name}"]
        assert row["total"] in (None, number)
        for counter, told in row["counts"].items():
            assert told in (None, tally.groups.get(f"{REGION}{name}|{counter}", 0))
    for names, numbers in slices(poll, tally, rows):
        for factors in subtractions(poll):
            assert not few(of(factors, numbers)), (names, factors, numbers)


MANY = st.one_of(st.integers(0, 14), st.integers(10, 120))


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [("device", "")] + [(tier, place) for tier in TIERS[1:] for place in PLACES]
        ),
        MANY,
    )
)
@example({("device", ""): 100, ("code", "qom"): 5, ("code", "fars"): 40})
@example({("device", ""): 5, ("code", "qom"): 50, ("code", "fars"): 40})
@example({("device", ""): 20, ("code", "qom"): 5, ("code", "fars"): 40, ("platform", ""): 15})
@example(
    {("device", ""): 12, ("platform", "qom"): 50, ("platform", "fars"): 50, ("code", "qom"): 3}
)
def test_tiers_and_regions_together_tell_no_small_number(
    people: dict[tuple[str, str], int],
) -> None:
    """Whoever knows which tiers come with a region has more to subtract: tiers from regions."""
    poll = polls()[0]
    tally = counted(poll, [(*one, ("1",), number) for one, number in people.items() if number])
    atoms = [one for one, number in people.items() if number]
    with_region = {tier for tier, place in atoms if place}
    without = {tier for tier, place in atoms if not place}
    # What there could be, for somebody who knows no more than that.
    possible = [(tier, "") for tier in without]
    possible += [(tier, place) for tier in with_region for place in PLACES[1:]]
    shown = [(tally.total, [1] * len(possible))]
    for tier, number in (tally.tiers() or {}).items():
        if number is not None:
            shown.append((number, [int(one[0] == tier) for one in possible]))
    for name, row in regions(poll, tally).items():
        if row["total"] is not None:
            shown.append((row["total"], [int(one[1] == name) for one in possible]))
    columns = [list(column) for column in zip(*(marks for _, marks in shown), strict=True)]
    numbers = [number for number, _ in shown]
    for factors in itertools.product((-1, 0, 1), repeat=len(shown)):
        counts = [of(factors, column) for column in columns]
        if min(counts, default=0) < 0 or all(counts):
            continue  # not a set of people, or all who answered
        assert not few(of(factors, numbers)), (factors, numbers)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from(list(Audience)))
def test_of_an_open_poll_nothing_tells_who_came_between_two_publications(
    data: st.DataObject, audience: Audience
) -> None:
    closed = data.draw(st.sampled_from(polls()))
    poll = msgspec.structs.replace(closed, state=PollState.OPEN)
    before = data.draw(groups_of(poll))
    rows = []
    for groups in (before, [*before, *data.draw(groups_of(poll))]):
        tally = counted(poll, groups)
        row = poll.to_dict(tally, audience)
        assert (row["tier_results"], regions(poll, tally, audience)) == ({}, {})
        assert not row["tally"].keys() - {"poll", "state", "seq", "total", "counts"}
        rows.append(row["tally"])
    # What differs is how many answered, and what: nothing about who.
    assert {key for key in rows[0] if rows[0][key] != rows[1][key]} <= {"seq", "total", "counts"}
    final = counted(closed, before)
    assert closed.to_dict(final, audience)["tier_results"] == final.tiers()


def test_a_ranking_s_points_are_no_people() -> None:
    """Six people give ten points and more to every choice."""
    poll = polls()[3]
    orders = answers(poll)[1:]
    few_people = [("code", "qom", order, 1) for order in orders]
    many = [("code", place, order, 20) for place in ("fars", "yazd", "") for order in orders]
    half = [("code", "qom", (), 60)]
    rows = regions(poll, counted(poll, [*few_people, *half, *many]))
    assert rows["qom"] == {"total": 66, "counts": {"1": None, "2": None, "3": None}}
