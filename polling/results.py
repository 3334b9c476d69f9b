"""What a poll's counts say, pure: means, orders, regions; as far as its rules let it be told."""

from __future__ import annotations

from typing import Any

from polling import breakdown
from polling.model import Poll, Tally
from polling.questions import Kind, Question
from polling.rules import FINISHED
from polling.visibility import Audience, sees_results, sees_right


def summary(poll: Poll, tally: Tally, audience: Audience = Audience.PUBLIC) -> dict[str, Any]:
    """Question id → ``{"answers": n, …}``; empty where ``audience`` may not see the results.

    A rating has ``mean`` (None without answers), a ranking ``order`` (choice ids by Borda points,
    the most first), a quiz, once its right answers are told, ``right``: how many were right. The
    counts themselves are a rating's histogram.
    """
    if not sees_results(poll.rules.results, tally.state, audience):
        return {}
    reveals = sees_right(poll.state, audience)
    return {
        question.id: _said(question, _own(poll, question, tally), tally.total, reveals=reveals)
        for question in poll.questions
        if question.kind is not Kind.QA
    }


def regions(poll: Poll, tally: Tally, audience: Audience = Audience.PUBLIC) -> dict[str, Any]:
    """Region → its answers, small numbers withheld, once the poll is over.

    While it is open nobody is told, the organiser included: from one moment to the next a single
    vote could be seen to move a region's numbers.
    """
    if tally.state not in FINISHED or not sees_results(poll.rules.results, tally.state, audience):
        return {}
    sheet = [(poll.prefix(question), question) for question in poll.questions]
    return breakdown.regions(tally.groups, tally.counts, tally.total, sheet)


def _own(poll: Poll, question: Question, tally: Tally) -> dict[str, int]:
    prefix = poll.prefix(question)
    return {counter: tally.counts.get(prefix + counter, 0) for counter in question.counters}


def _said(
    question: Question, counts: dict[str, int], total: int, *, reveals: bool
) -> dict[str, Any]:
    said: dict[str, Any] = {"answers": _answers(question, counts, total)}
    if question.kind is Kind.RATING:
        marks = sum(int(value) * number for value, number in counts.items())
        said["mean"] = marks / said["answers"] if said["answers"] else None
    elif question.kind is Kind.RANKING:
        said["order"] = sorted(counts, key=lambda choice: (-counts[choice], int(choice)))
    elif question.kind is Kind.QUIZ and reveals:
        said["right"] = sum(counts[choice] for choice in question.right)
    return said


def _answers(question: Question, counts: dict[str, int], total: int) -> int:
    """How many answered this question."""
    if question.counts_answers:
        return counts["answers"]
    if question.kind is Kind.RANKING:
        choices = len(question.choices)
        return 2 * sum(counts.values()) // (choices * (choices - 1))
    return total if question.kind is Kind.MULTIPLE else sum(counts.values())
