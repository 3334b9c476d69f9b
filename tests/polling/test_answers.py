from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polling.answers import KEPT, admit, deltas_of, written_in
from polling.drafting import draft_sheet
from polling.errors import InvalidBallot, NotEligible, PollChanged, PollingError, UnknownChoice
from polling.model import Ballot, Poll
from polling.poll_rules import PollRules
from polling.questions import Asked, Kind, Scale

LABELS = ("a", "b", "c", "d")


def sheet(*asked: Asked, rules: PollRules | None = None) -> Poll:
    return draft_sheet("alef", asked, "HQ", rules, now=1.0)


SINGLE = sheet(Asked("Q", choices=LABELS))
MULTIPLE = sheet(Asked("Q", Kind.MULTIPLE, tuple(f"c{n}" for n in range(12)), maximum=3))
RATING = sheet(Asked("Q", Kind.RATING, scale=Scale(0, 10)))
RANKING = sheet(Asked("Q", Kind.RANKING, LABELS))
QUIZ = sheet(Asked("Q", Kind.QUIZ, LABELS, right=("3",)))
TEXT = sheet(Asked("Q", Kind.TEXT))
SURVEY = sheet(
    Asked("A", choices=LABELS),
    Asked("B", Kind.MULTIPLE, LABELS, required=False),
    Asked("C", Kind.RANKING, LABELS),
    Asked("D", Kind.TEXT, required=False),
    Asked("E", Kind.RATING),
)
QA = sheet(Asked("Q", Kind.QA))


def chosen(poll: Poll, *choices: str) -> Ballot:
    return Ballot(poll.id, choices)


def deltas(poll: Poll, *choices: str) -> dict[str, int]:
    return {
        name: n
        for name, n in admit(poll, chosen(poll, *choices)).deltas
        if not name.startswith("@")
    }


def test_each_kind_counts_what_it_says() -> None:
    assert deltas(SINGLE, "2") == {"2": 1}
    assert deltas(MULTIPLE, "11", "2") == {"2": 1, "11": 1}
    assert admit(MULTIPLE, chosen(MULTIPLE, "11", "2")).text == "2,11"
    assert deltas(RATING, "0") == {"0": 1}
    assert deltas(RANKING, "3", "1", "4", "2") == {"3": 3, "1": 2, "4": 1}
    assert deltas(QUIZ, "1") == {"1": 1}


def test_an_open_answer_is_kept_as_text_and_counted_as_one() -> None:
    answer = admit(TEXT, Ballot(TEXT.id, text="  بله\u200cو  نه "))
    assert answer.written == {"q1": "بله\u200cو نه"}
    assert written_in(TEXT, answer.text) == answer.written
    assert ("answers", 1) in answer.deltas


def test_a_survey_is_one_answer() -> None:
    ballot = Ballot(
        SURVEY.id,
        answers={"q1": ("2",), "q3": ("4", "3", "2", "1"), "q4": "why not", "q5": ("5",)},
    )
    answer = admit(SURVEY, ballot)
    assert answer.text == "2;;4,3,2,1;~d2h5IG5vdA;5"
    counted = dict(deltas_of(SURVEY, answer.text))
    assert counted == {"q1.2": 1, "q3.4": 3, "q3.3": 2, "q3.2": 1, "q4.answers": 1, "q5.5": 1}
    several = Ballot(SURVEY.id, answers={**(ballot.answers or {}), "q2": ("3", "1")})
    counted = dict(deltas_of(SURVEY, admit(SURVEY, several).text))
    assert (counted["q2.1"], counted["q2.3"], counted["q2.answers"]) == (1, 1, 1)


def test_tier_and_region_are_counted_beside_the_answer() -> None:
    answer = admit(RANKING, chosen(RANKING, "1", "2", "3", "4"), "code", "tehran")
    assert dict(answer.deltas) == {
        "1": 3,
        "2": 2,
        "3": 1,
        "@tier.code": 1,
        "@region.tehran": 1,
        "@region.tehran|1": 3,
        "@region.tehran|2": 2,
        "@region.tehran|3": 1,
    }
    assert "tehran" not in answer.text


@pytest.mark.parametrize(
    ("poll", "ballot"),
    [
        (SINGLE, Ballot("", ())),
        (SINGLE, Ballot("", ("1", "2"))),
        (SINGLE, Ballot("", ("1", "1"))),
        (SINGLE, Ballot("", text="a")),
        (SINGLE, Ballot("", ("1",), answers={"q1": ("1",)})),
        (SINGLE, Ballot("", answers={"q2": ("1",)})),
        (SINGLE, Ballot("", answers={"q1": "1"})),
        (MULTIPLE, Ballot("", ("1", "1"))),
        (MULTIPLE, Ballot("", ("1", "2", "3", "4"))),
        (RANKING, Ballot("", ("1", "2", "3"))),
        (RANKING, Ballot("", ("1", "2", "3", "3"))),
        (TEXT, Ballot("", text="   ")),
        (TEXT, Ballot("", text="x" * 201)),
        (TEXT, Ballot("", text="a\u202eb")),
        (TEXT, Ballot("", ("1",))),
        (TEXT, Ballot("", answers={"q1": ("1",)})),
        (SURVEY, Ballot("", ("1",))),
        (SURVEY, Ballot("", answers={"q1": ("1",)})),
        (QA, Ballot("", ("1",))),
    ],
)
def test_what_is_no_answer(poll: Poll, ballot: Ballot) -> None:
    with pytest.raises(InvalidBallot):
        admit(poll, ballot)


def test_an_unknown_choice_is_named() -> None:
    with pytest.raises(UnknownChoice) as caught:
        admit(SINGLE, chosen(SINGLE, "5"))
    assert (caught.value.poll, caught.value.choice) == (SINGLE.id, "5")


def test_an_answer_to_an_edited_poll_is_refused() -> None:
    admit(SINGLE, Ballot(SINGLE.id, ("1",), version=1))
    with pytest.raises(PollChanged):
        admit(SINGLE, Ballot(SINGLE.id, ("1",), version=2))


def test_a_kept_answer_lets_nobody_in() -> None:
    poll = sheet(Asked("Q", choices=LABELS), rules=PollRules(who=("code",), regions=("qom",)))
    first = admit(poll, chosen(poll, "1"), "code", "qom")
    assert admit(poll, chosen(poll, "1"), "code", "qom") is first
    for tier, region in (("device", "qom"), ("code", "tehran"), ("code", "")):
        with pytest.raises(NotEligible):
            admit(poll, chosen(poll, "1"), tier, region)


def test_answers_kept_are_bounded() -> None:
    labels = tuple(str(number) for number in range(8))
    poll = sheet(Asked("Q", Kind.RANKING, labels))
    ids = [str(number) for number in range(1, 9)]
    for order in itertools.islice(itertools.permutations(ids), KEPT + 10):
        admit(poll, chosen(poll, *order))
    assert len(poll.answers) == 10


@pytest.mark.parametrize("text", ["", "1;2", "5", "1,1", "x"])
def test_what_no_ledger_should_hold(text: str) -> None:
    if not text:
        assert deltas_of(SINGLE, text) == ()
        return
    with pytest.raises(ValueError, match=r"\w"):
        deltas_of(SINGLE, text)


@given(st.lists(st.permutations([str(n) for n in range(1, 5)]), max_size=30))
def test_borda_gives_every_pair_of_choices_its_due(orders: list[list[str]]) -> None:
    points: Counter[str] = Counter()
    for order in orders:
        points.update(deltas(RANKING, *order))
    assert sum(points.values()) == len(orders) * 6
    for choice in "1234":
        beaten = sum(3 - order.index(choice) for order in orders)
        assert points[choice] == beaten


ANSWERS = st.fixed_dictionaries(
    {"q1": st.sampled_from(["1", "2", "3", "4"]).map(lambda one: (one,))},
    optional={
        "q2": st.lists(st.sampled_from("1234"), unique=True).map(tuple),
        "q3": st.permutations("1234").map(tuple),
        "q4": st.text(max_size=60),
        "q5": st.sampled_from("012345").map(lambda one: (one,)),
    },
)


@given(ANSWERS)
def test_a_text_says_the_same_however_it_is_reached(
    answers: dict[str, tuple[str, ...] | str],
) -> None:
    try:
        answer = admit(SURVEY, Ballot(SURVEY.id, answers=answers))
    except PollingError:
        return
    own = tuple(pair for pair in answer.deltas if not pair[0].startswith("@"))
    assert own == deltas_of(SURVEY, answer.text)
    assert {name for name, _ in own} <= set(SURVEY.counters)
    assert answer.text.isascii()
    turned = {name: tuple(reversed(v)) if name == "q2" else v for name, v in answers.items()}
    assert admit(SURVEY, Ballot(SURVEY.id, answers=turned)).text == answer.text
