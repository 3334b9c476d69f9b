from __future__ import annotations

import pytest

from polling.errors import InvalidPoll
from polling.questions import Asked, Kind, Scale, check_questions

AB = ("a", "b")


def test_questions_and_choices_are_numbered() -> None:
    single, multiple, rating, ranking, quiz, text = check_questions(
        [
            Asked("A", choices=AB),
            Asked("B", Kind.MULTIPLE, ("a", "b", "c"), maximum=2),
            Asked("C", Kind.RATING, scale=Scale(0, 10, "never", "always")),
            Asked("D", Kind.RANKING, ("a", "b", "c")),
            Asked("E", Kind.QUIZ, AB, right=("2",)),
            Asked("F", Kind.TEXT, required=False),
        ]
    )
    assert [one.id for one in (single, multiple, rating)] == ["q1", "q2", "q3"]
    assert single.counters == ("1", "2")
    assert (multiple.minimum, multiple.maximum) == (1, 2)
    assert rating.counters == tuple(str(value) for value in range(11))
    assert rating.scale == Scale(0, 10, "never", "always")
    assert (ranking.minimum, ranking.maximum) == (3, 3)
    assert quiz.right == ("2",)
    assert text.counters == ("answers",)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ([], "questions"),
        ([Asked("Q", choices=AB)] * 21, "questions"),
        ([Asked("Q", choices=("a",))], "choices"),
        ([Asked("Q", choices=tuple(str(n) for n in range(11)))], "choices"),
        ([Asked("Q", Kind.MULTIPLE, tuple(str(n) for n in range(21)))], "choices"),
        ([Asked("Q", Kind.RANKING, tuple(str(n) for n in range(9)))], "choices"),
        ([Asked("Q", Kind.TEXT, AB)], "choices"),
        ([Asked("Q", Kind.RATING, AB)], "choices"),
        ([Asked("Q", Kind.RATING, scale=Scale(0, 5))], "scale"),
        ([Asked("Q", Kind.RATING, scale=Scale(1, 5, "x" * 41))], "scale"),
        ([Asked("Q", choices=AB, scale=Scale())], "scale"),
        ([Asked("Q", choices=AB, maximum=2)], "minimum"),
        ([Asked("Q", Kind.MULTIPLE, AB, minimum=0)], "minimum"),
        ([Asked("Q", Kind.MULTIPLE, AB, minimum=2, maximum=1)], "minimum"),
        ([Asked("Q", Kind.MULTIPLE, AB, maximum=3)], "minimum"),
        ([Asked("Q", Kind.QUIZ, AB)], "right"),
        ([Asked("Q", Kind.QUIZ, AB, right=("1", "2"))], "right"),
        ([Asked("Q", Kind.QUIZ, AB, right=("3",))], "right"),
        ([Asked("Q", choices=AB, right=("1",))], "right"),
        ([Asked("Q", choices=AB), Asked("R", Kind.QA)], "kind"),
        ([Asked("Q", Kind.TEXT, required=False)], "required"),
        ([Asked("", choices=AB)], "question"),
    ],
)
def test_what_cannot_be_asked(asked: list[Asked], field: str) -> None:
    with pytest.raises(InvalidPoll) as caught:
        check_questions(asked)
    assert caught.value.field == field
