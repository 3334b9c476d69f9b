from __future__ import annotations

from typing import Any

import msgspec
import pytest

from polling.errors import InvalidPoll, NotEligible
from polling.poll_rules import PollRules, check_eligible, check_rules
from polling.questions import Asked, Kind, check_questions

SINGLE = check_questions([Asked("Q", choices=("a", "b"))])
QUIZ = check_questions([Asked("Q", Kind.QUIZ, ("a", "b"), right=("2",))])
TEXT = check_questions([Asked("Q", Kind.TEXT)])
QA = check_questions([Asked("Q", Kind.QA)])


def test_rules_have_one_form() -> None:
    wanted = PollRules(who=("code", "device", "code"), regions=("tehran", "qom", "tehran"))
    checked = check_rules(wanted, SINGLE)
    assert (checked.who, checked.regions) == (("device", "code"), ("tehran", "qom"))
    assert msgspec.convert(checked.to_dict(), PollRules) == checked


@pytest.mark.parametrize(
    ("wanted", "questions", "field"),
    [
        ({"who": ()}, SINGLE, "who"),
        ({"regions": ("a b",)}, SINGLE, "regions"),
        ({"regions": ("a|b",)}, SINGLE, "regions"),
        ({"regions": tuple(f"r{n}" for n in range(65))}, SINGLE, "regions"),
        ({"shards": 0}, SINGLE, "shards"),
        ({"shards": 257}, SINGLE, "shards"),
        ({"duration_seconds": 0}, SINGLE, "duration_seconds"),
        ({"log": "recount"}, TEXT, "log"),
        ({"revote": "last"}, TEXT, "revote"),
        ({"log": "recount", "results": "organiser"}, SINGLE, "log"),
        ({"shards": 2}, QA, "shards"),
        ({"results": "after_vote"}, QA, "results"),
        ({"results": "after_close"}, QA, "results"),
        ({"results": "organiser"}, QA, "results"),
    ],
)
def test_rules_that_cannot_be(wanted: dict[str, Any], questions: Any, field: str) -> None:
    with pytest.raises(InvalidPoll) as caught:
        check_rules(PollRules(**wanted), questions)
    assert caught.value.field == field


def test_who_may_vote() -> None:
    terms = PollRules(who=("platform", "code"), regions=("tehran",))
    check_eligible("p", terms, "code", "tehran")
    for tier, region, why in (("device", "tehran", "tier"), ("code", "", "region")):
        with pytest.raises(NotEligible) as caught:
            check_eligible("p", terms, tier, region)
        assert caught.value.why == why


def test_recordings_take_answers_but_no_questions_from_viewers() -> None:
    assert check_rules(PollRules(late=True), SINGLE).late
    with pytest.raises(InvalidPoll, match="late"):
        check_rules(PollRules(late=True), QA)


def test_a_quiz_whose_key_is_told_at_the_close_takes_no_late_answers() -> None:
    assert not check_rules(PollRules(), QUIZ).late
    for questions in (QUIZ, (*SINGLE, *QUIZ)):
        with pytest.raises(InvalidPoll, match="quiz") as caught:
            check_rules(PollRules(late=True), questions)
        assert caught.value.field == "late"
