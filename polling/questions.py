"""The questions of a poll, pure: their kinds, and what may be asked.

One poll is a sheet of 1 to 20 questions, "q1", "q2", … in the order shown. One question makes an
ordinary poll, several make a survey, which is answered at once.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from polling import rules
from polling.errors import InvalidPoll

QUESTIONS = range(1, 21)
ANSWER_CHARACTERS = 200
SCALE_LABEL_CHARACTERS = 40


class Kind(StrEnum):
    """What a question asks for."""

    SINGLE = "single"
    MULTIPLE = "multiple"
    RATING = "rating"
    RANKING = "ranking"
    QUIZ = "quiz"
    TEXT = "text"
    QA = "qa"


CHOICES: Mapping[Kind, range] = {
    Kind.SINGLE: range(2, 11),
    Kind.MULTIPLE: range(2, 21),
    Kind.RANKING: range(2, 9),
    Kind.QUIZ: range(2, 11),
}
"""How many choices each kind offers; the other kinds take none."""

ONE_OF = frozenset({Kind.SINGLE, Kind.RATING, Kind.QUIZ})
"""Kinds whose answer is exactly one choice."""

SURVEYED = frozenset(Kind) - {Kind.QA}
"""Kinds that can stand beside others in a survey."""

SCALES = frozenset({(1, 5), (0, 10)})


class Choice(msgspec.Struct, frozen=True):
    """One answer: ``id`` is "1", "2", … in the order asked; a rating's is the value itself."""

    id: str
    label: str


class Scale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rating's values, ``low`` to ``high``: 1 to 5 or 0 to 10; the ends may have words."""

    low: int = 1
    high: int = 5
    low_label: str = ""
    high_label: str = ""


class Question(msgspec.Struct, frozen=True, dict=True):
    """One question. ``minimum`` and ``maximum`` bound the choices of one answer.

    ``right``: a quiz's right choices. ``required``: whether a sheet without an answer to it is
    refused.
    """

    id: str
    kind: Kind
    text: str
    choices: tuple[Choice, ...] = ()
    minimum: int = 1
    maximum: int = 1
    scale: Scale | None = None
    right: tuple[str, ...] = ()
    required: bool = True

    @functools.cached_property
    def choice_ids(self) -> frozenset[str]:
        """The choices' ids. Kept, because every vote asks."""
        return frozenset(choice.id for choice in self.choices)

    @functools.cached_property
    def places(self) -> Mapping[str, int]:
        """Each choice's place, from 0."""
        return {choice.id: place for place, choice in enumerate(self.choices)}

    @property
    def counts_answers(self) -> bool:
        """Whether the number of answers is not in its choices' counts, and is counted apart."""
        return self.kind is Kind.TEXT or (self.kind is Kind.MULTIPLE and not self.required)

    @property
    def counters(self) -> tuple[str, ...]:
        """What is counted, without the question's id: choices, and "answers"."""
        if self.kind is Kind.QA:
            return ()
        own = tuple(choice.id for choice in self.choices)
        return (*own, "answers") if self.counts_answers else own

    def to_dict(self, *, reveals: bool) -> dict[str, Any]:
        """The question for JSON; ``reveals``: with a quiz's right choices, else null in place."""
        scale = self.scale
        return {
            "id": self.id,
            "kind": self.kind.value,
            "text": self.text,
            "choices": [{"id": choice.id, "label": choice.label} for choice in self.choices],
            "minimum": self.minimum,
            "maximum": self.maximum,
            "scale": msgspec.to_builtins(scale) if scale is not None else None,
            "right": list(self.right) if reveals and self.kind is Kind.QUIZ else None,
            "required": self.required,
        }


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question as someone asks it: ``choices`` are labels, ``right`` ids among "1", "2", …"""

    text: str
    kind: Kind = Kind.SINGLE
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    scale: Scale | None = None
    right: tuple[str, ...] = ()
    required: bool = True


def check_questions(asked: Sequence[Asked]) -> tuple[Question, ...]:
    """The questions of one sheet, numbered. Raises InvalidPoll, naming what is wrong."""
    if len(asked) not in QUESTIONS:
        raise InvalidPoll("A poll asks 1 to 20 questions.", "questions")
    questions = tuple(_check(f"q{number}", one) for number, one in enumerate(asked, 1))
    if len(questions) > 1 and any(one.kind not in SURVEYED for one in questions):
        raise InvalidPoll("Questions from viewers are a poll of their own.", "kind")
    if not any(question.required for question in questions):
        raise InvalidPoll("At least one question needs an answer.", "required")
    return questions


def _check(name: str, asked: Asked) -> Question:
    choices = _choices(asked)
    minimum, maximum = _bounds(asked, len(choices))
    right = tuple(dict.fromkeys(asked.right))
    if asked.kind is Kind.QUIZ:
        if not right or not set(right) < {choice.id for choice in choices}:
            raise InvalidPoll(
                "A quiz needs a right answer among its choices, and a wrong one.", "right"
            )
    elif right:
        raise InvalidPoll("Only a quiz has right answers.", "right")
    return Question(
        id=name,
        kind=asked.kind,
        text=rules.check_question(asked.text),
        choices=choices,
        minimum=minimum,
        maximum=maximum,
        scale=_scale(asked),
        right=right,
        required=asked.required,
    )


def _choices(asked: Asked) -> tuple[Choice, ...]:
    if asked.kind is Kind.RATING:
        scale = _scale(asked) or Scale()
        values = range(scale.low, scale.high + 1)
        if asked.choices:
            raise InvalidPoll("A rating has a scale in place of choices.", "choices")
        return tuple(Choice(str(value), str(value)) for value in values)
    allowed = CHOICES.get(asked.kind)
    if allowed is None:
        if asked.choices:
            raise InvalidPoll("An open question has no choices.", "choices")
        return ()
    labels = rules.check_labels(asked.choices, allowed)
    return tuple(Choice(str(number), label) for number, label in enumerate(labels, 1))


def _bounds(asked: Asked, offered: int) -> tuple[int, int]:
    """How many choices one answer may hold."""
    if asked.kind is not Kind.MULTIPLE:
        if asked.minimum is not None or asked.maximum is not None:
            raise InvalidPoll("Only a question with several answers has bounds.", "minimum")
        every = offered if asked.kind is Kind.RANKING else 1
        return every, every
    minimum = 1 if asked.minimum is None else asked.minimum
    maximum = offered if asked.maximum is None else asked.maximum
    if not 1 <= minimum <= maximum <= offered:
        raise InvalidPoll(f"Let people choose at least 1 and at most {offered}.", "minimum")
    return minimum, maximum


def _scale(asked: Asked) -> Scale | None:
    if asked.kind is not Kind.RATING:
        if asked.scale is not None:
            raise InvalidPoll("Only a rating has a scale.", "scale")
        return None
    scale = asked.scale or Scale()
    if (scale.low, scale.high) not in SCALES:
        raise InvalidPoll("A rating goes from 1 to 5 or from 0 to 10.", "scale")
    return Scale(
        scale.low,
        scale.high,
        rules.check_optional(scale.low_label, "scale", SCALE_LABEL_CHARACTERS),
        rules.check_optional(scale.high_label, "scale", SCALE_LABEL_CHARACTERS),
    )
