"""Invented polls in the contract's shape."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

STREAM = "c2"
ASKERS = {"en": "Election headquarters", "fa": "ستاد انتخابات"}
QUESTIONS = {
    "en": ("What should the council build first?", ["A library", "Bus lanes", "A riverside park"]),
    "fa": ("شورا اول چه بسازد؟", ["کتابخانه", "خط ویژهٔ اتوبوس", "پارک کنار رود"]),
}


def choice_rows(labels: Sequence[str]) -> list[dict[str, str]]:
    """Choices with the ids that the server gives: "1", "2", …"""
    return [{"id": str(place), "label": label} for place, label in enumerate(labels, 1)]


def poll(
    number: int, state: str, lang: str = "en", counts: tuple[int, ...] = (), **more: Any
) -> dict[str, Any]:
    """A poll whole, as in the contract."""
    question, labels = QUESTIONS[lang]
    choices = choice_rows(labels)
    full = counts or (0,) * len(choices)
    tally = {
        "poll": f"p{number}",
        "state": state,
        "seq": sum(counts),
        "total": sum(counts),
        "counts": {row["id"]: count for row, count in zip(choices, full, strict=True)},
    }
    return {
        "id": f"p{number}",
        "stream": STREAM,
        "state": state,
        "kind": "single",
        "question": question,
        "choices": choices,
        "asker": ASKERS[lang],
        "duration_seconds": 120,
        "created_at": time.time() - 100 + number,
        "opened_at": None,
        "closes_at": None,
        "closed_at": None,
        "simulated": False,
        "results": "live",
        "tally": tally,
        **more,
    }
