"""The poll card's states for shots and for axe: which poll stands there, and what its voter did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from polling.questions import Scale
from tests.browser.pages.asked import question, sheet, survey

Row = Callable[[str], dict[str, Any]]
TIERS = {"device": 1204, "platform": 1508, "code": 96}


def of(kind: str, **changes: Any) -> Row:
    """An open poll of one kind, with its usual words."""
    return lambda language: sheet(question(language, kind), language, **changes)


def _eleven(language: str) -> dict[str, Any]:
    words = ("Never", "At once") if language == "en" else ("هرگز", "همین حالا")
    scale = Scale(0, 10, *words)
    return sheet(question(language, "rating", scale=scale), language)


def _said(*labels: str) -> dict[str, Any]:
    return {"choices": list(labels)}


ASKED: dict[str, Row] = {
    "single": of("single"),
    "multiple": of("multiple"),
    "rating": of("rating"),
    "eleven": _eleven,
    "ranking": of("ranking"),
    "quiz": of("quiz"),
    "text": of("text"),
    "qa": of("qa"),
    "survey": lambda language: sheet(survey(language), language),
    "code": of("single", who=("code",)),
    "ruled": of(
        "single",
        who=("device", "code"),
        revote="last",
        results="after_close",
        regions=("hills", "harbour"),
        shuffle=True,
        log="recount",
    ),
}
"""Open polls that nobody here has answered."""

TOLD: dict[str, tuple[Row, dict[str, Any]]] = {
    "single": (of("single", tiers=TIERS), _said("2")),
    "multiple": (of("multiple", tiers=TIERS), _said("1", "3")),
    "rating": (of("rating", tiers=TIERS), _said("4")),
    "ranking": (of("ranking", tiers=TIERS), _said("2", "1", "4", "3")),
    "quiz": (of("quiz"), _said("1")),
    "quiz-wrong": (of("quiz", state="closed"), _said("1")),
    "quiz-right": (of("quiz", state="closed"), _said("2")),
    "text": (of("text"), {"text": "…"}),
    "last": (of("single", revote="last"), _said("2")),
    "hidden": (of("single", results="after_close"), _said("2")),
    "organiser": (of("single", results="organiser", state="closed"), _said("2")),
    "survey": (
        lambda language: sheet(survey(language), language, tiers=TIERS),
        {
            "answers": {
                "q1": ["2"],
                "q2": ["1", "3"],
                "q3": ["4"],
                "q4": ["2", "1", "4", "3"],
            }
        },
    ),
}
"""Polls with the ballot that this browser has in them, counted."""
