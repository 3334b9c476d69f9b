"""From a ballot to an answer, pure: what the ledger keeps and what it counts.

An answer has one canonical text: questions in order joined by ";", choices by ",", several
choices sorted, open text as "~" and its UTF-8 in base64url without padding. The same text gives
the same counts wherever the ledger is read again.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec

from polling import poll_rules, rules
from polling.breakdown import REGION, TIER
from polling.errors import InvalidBallot, PollChanged, UnknownChoice
from polling.model import Ballot, Poll
from polling.questions import ANSWER_CHARACTERS, ONE_OF, Kind, Question

Deltas = tuple[tuple[str, int], ...]

KEPT: Final = 4_096
"""Answers kept per poll. A sheet can have more different ones; then all are made anew."""


class Answer(msgspec.Struct, frozen=True):
    """What a ballot says: its canonical ``text``, and by how much it moves which counters.

    ``written``: the open answers in it, by question id.
    """

    text: str
    deltas: Deltas
    written: Mapping[str, str] = {}


def admit(poll: Poll, ballot: Ballot, tier: str = "device", region: str = "") -> Answer:
    """The answer of ``ballot``, if it is one that ``poll`` could count.

    Raises NotEligible, PollChanged, InvalidBallot or UnknownChoice. Whether the poll is open, and
    whether the voter has voted, is settled by the store in the same step that counts.
    """
    if ballot.version and ballot.version != poll.version:
        raise PollChanged(poll.id)
    kept = poll.answers
    key: object = None
    if ballot.answers is None and ballot.text is None:
        key = (ballot.choices, tier, region)
        if (found := kept.get(key)) is not None:
            answer: Answer = found
            return answer
    poll_rules.check_eligible(poll.id, poll.rules, tier, region)
    text, written = _canonical(poll, ballot)
    if key is None:
        if not written and (found := kept.get((text, tier, region))) is not None:
            answer = found
            return answer
        key = None if written else (text, tier, region)
    answer = Answer(text, _grouped(deltas_of(poll, text), tier, region), written)
    if key is not None:
        if len(kept) >= KEPT:
            kept.clear()
        kept[key] = answer
    return answer


def deltas_of(poll: Poll, text: str) -> Deltas:
    """What an answer counts, without tier and region, from its canonical text.

    Raises ValueError where ``text`` is not an answer to ``poll``.
    """
    parts = text.split(";")
    if len(parts) != len(poll.questions):
        raise ValueError("not as many answers as questions")
    deltas: Counter[str] = Counter()
    for question, part in zip(poll.questions, parts, strict=True):
        prefix = poll.prefix(question)
        for counter, number in _counted(question, part):
            deltas[prefix + counter] += number
    return tuple(deltas.items())


def written_in(poll: Poll, text: str) -> dict[str, str]:
    """The open answers in a canonical text, by question id. Raises ValueError."""
    return {
        question.id: _decoded(part)
        for question, part in zip(poll.questions, text.split(";"), strict=True)
        if question.kind is Kind.TEXT and part
    }


def _counted(question: Question, part: str) -> list[tuple[str, int]]:
    if not part:
        return []
    if question.kind is Kind.TEXT:
        _decoded(part)
        return [("answers", 1)]
    chosen = part.split(",")
    if not question.choice_ids.issuperset(chosen) or len(set(chosen)) < len(chosen):
        raise ValueError("not choices of this question")
    if question.kind is Kind.RANKING:
        # Borda: n-1 points for the first of n, none for the last.
        points = len(question.choices) - 1
        return [(choice, points - place) for place, choice in enumerate(chosen) if place < points]
    counted = [(choice, 1) for choice in chosen]
    return [*counted, ("answers", 1)] if question.counts_answers else counted


def _grouped(deltas: Deltas, tier: str, region: str) -> Deltas:
    grouped = [*deltas, (f"{TIER}{tier}", 1)]
    if region and poll_rules.is_region(region):
        grouped.append((f"{REGION}{region}", 1))
        grouped += [(f"{REGION}{region}|{counter}", number) for counter, number in deltas]
    return tuple(grouped)


def _canonical(poll: Poll, ballot: Ballot) -> tuple[str, dict[str, str]]:
    given = _given(poll, ballot)
    written: dict[str, str] = {}
    parts = []
    for question in poll.questions:
        answer = given.get(question.id, ())
        if not answer:
            if question.required:
                raise InvalidBallot(
                    _wanted(question)
                    if len(poll.questions) == 1
                    else "A required answer is missing.",
                    "choices" if len(poll.questions) == 1 else question.id,
                )
            parts.append("")
        elif question.kind is Kind.TEXT:
            if not isinstance(answer, str):
                raise InvalidBallot("An open answer is text.", question.id)
            text = rules.check_written(answer, question.id, ANSWER_CHARACTERS)
            written[question.id] = text
            parts.append(_encoded(text))
        elif isinstance(answer, str):
            raise InvalidBallot("Answer this question with its choices.", question.id)
        else:
            parts.append(",".join(_chosen(poll, question, answer)))
    return ";".join(parts), written


def _given(poll: Poll, ballot: Ballot) -> Mapping[str, tuple[str, ...] | str]:
    if poll.is_qa:
        raise InvalidBallot("This poll takes questions, not votes.", "poll")
    if ballot.answers is not None:
        if ballot.choices or ballot.text is not None:
            raise InvalidBallot("Send answers, or choices, or text: one of them.", "answers")
        known = {question.id for question in poll.questions}
        if not known.issuperset(ballot.answers):
            raise InvalidBallot("This poll has no such question.", "answers")
        return ballot.answers
    first = poll.questions[0]
    if len(poll.questions) > 1:
        raise InvalidBallot("A survey is answered by “answers”, all at once.", "answers")
    if ballot.text is not None:
        if ballot.choices or first.kind is not Kind.TEXT:
            raise InvalidBallot(_wanted(first), "choices")
        return {first.id: ballot.text}
    if first.kind is Kind.TEXT:
        raise InvalidBallot("Write your answer as “text”.", "text")
    return {first.id: ballot.choices}


def _chosen(poll: Poll, question: Question, chosen: tuple[str, ...]) -> tuple[str, ...]:
    if not question.minimum <= len(chosen) <= question.maximum:
        raise InvalidBallot(_wanted(question), "choices")
    for choice in chosen:
        if choice not in question.choice_ids:
            raise UnknownChoice(poll.id, choice)
    if len(set(chosen)) < len(chosen):
        raise InvalidBallot("The same answer stands twice.", "choices")
    if question.kind is Kind.MULTIPLE:
        return tuple(sorted(chosen, key=question.places.__getitem__))
    return chosen


def _wanted(question: Question) -> str:
    if question.kind in ONE_OF:
        return "Choose exactly one answer."
    if question.kind is Kind.RANKING:
        return "Put all the choices in order."
    if question.kind is Kind.TEXT:
        return "Write your answer as “text”."
    return f"Choose {question.minimum} to {question.maximum} answers."


def _encoded(text: str) -> str:
    return "~" + base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _decoded(part: str) -> str:
    if not part.startswith("~"):
        raise ValueError("not an open answer")
    coded = part[1:]
    try:
        return base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
    except binascii.Error as error:
        raise ValueError("not an open answer") from error
