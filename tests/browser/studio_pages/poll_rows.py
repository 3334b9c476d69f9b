"""Invented polls in the contract's shape."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from polling.drafting import draft
from polling.visibility import Audience
from streamd.web.language import load_catalogues
from streamd.web.poll_rows import in_words

CATALOGUES = load_catalogues()
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
    real = draft(STREAM, question, labels, ASKERS[lang], now=time.time(), duration_seconds=120)
    return {
        **in_words(real.to_dict(audience=Audience.ORGANISER), CATALOGUES[lang]),
        "asked_by": {"kind": "headquarters", "name": ASKERS},
        "id": f"p{number}",
        "state": state,
        "created_at": time.time() - 100 + number,
        "tally": tally,
        **more,
    }


def whole(row: dict[str, Any]) -> dict[str, Any]:
    """A poll's row with what is told of one poll at a time: what its counts say."""
    answers = row["tally"]["total"]
    return {**row, "summary": {"q1": {"answers": answers}}, "regions": {}}
