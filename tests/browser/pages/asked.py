"""Polls of every kind as the server shows them: the real values, with invented words and counts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from polling.asker import Asker
from polling.drafting import draft_sheet
from polling.model import Poll, Tally
from polling.poll_rules import PollRules
from polling.questions import Asked, Kind, Scale
from polling.rules import PollState
from polling.visibility import Audience
from streamd.web.language import load_catalogues
from streamd.web.poll_rows import in_words

CATALOGUES = load_catalogues()
POLL = "p1"
CODE = "7K3M-92QX-AB4T"
Language = Literal["en", "fa"]
ASKERS = {"en": "Election headquarters", "fa": "ستاد انتخابات"}
MATTERS = {
    "en": ("Work and wages", "Housing", "Water and climate", "Schools"),
    "fa": ("کار و دستمزد", "مسکن", "آب و اقلیم", "مدرسه‌ها"),
}
WORDS = {
    "en": {
        "single": "Which matter should the next debate begin with?",
        "multiple": "Which of these have you talked about at home this week?",
        "rating": "How well did the candidate answer the question about housing?",
        "low": "Not at all",
        "high": "Completely",
        "ranking": "What should the council do first?",
        "quiz": "How many flats did the town build last year?",
        "text": "What did you miss in this debate?",
        "qa": "Ask Mina Darvand",
    },
    "fa": {
        "single": "گفت‌وگوی بعدی با کدام موضوع آغاز شود؟",
        "multiple": "این هفته در خانه دربارهٔ کدام‌ها گفت‌وگو کرده‌اید؟",
        "rating": "نامزد به پرسش مسکن چه اندازه خوب پاسخ داد؟",
        "low": "هیچ",
        "high": "کاملاً",
        "ranking": "شورا نخست به کدام بپردازد؟",
        "quiz": "شهر در سال گذشته چند خانه ساخت؟",
        "text": "در این گفت‌وگو جای چه چیزی خالی بود؟",
        "qa": "از مینا داروند بپرسید",
    },
}
FLATS = {
    "en": ("About 40", "About 400", "About 4,000"),
    "fa": ("نزدیک ۴۰", "نزدیک ۴۰۰", "نزدیک ۴۰۰۰"),
}
CLOUD: dict[str, list[tuple[str, int]]] = {
    "en": [("buses", 41), ("schools", 33), ("rents", 30), ("river", 17), ("doctors", 11),
           ("cycling", 9), ("noise", 5), ("libraries", 3), ("playgrounds", 2)],
    "fa": [("اتوبوس", 41), ("مدرسه", 33), ("اجاره", 30), ("رودخانه", 17), ("پزشک", 11),
           ("دوچرخه", 9), ("سروصدا", 5), ("کتابخانه", 3), ("بازی", 2)],
}  # fmt: skip
ITEMS = {
    "en": ("Will the number 12 bus run at night?", "What happens to the old mill?",
           "Who pays for the new school?"),
    "fa": ("آیا اتوبوس ۱۲ شب‌ها هم کار می‌کند؟", "آسیاب قدیمی چه می‌شود؟",
           "هزینهٔ مدرسهٔ تازه با کیست؟"),
}  # fmt: skip


def question(language: str, kind: str, **changes: Any) -> Asked:
    """A question of ``kind`` as its asker puts it."""
    words = WORDS[language]
    more: dict[str, Any] = {}
    if kind in ("single", "multiple", "ranking"):
        more["choices"] = MATTERS[language]
    if kind == "multiple":
        more |= {"minimum": 1, "maximum": 2}
    if kind == "quiz":
        more |= {"choices": FLATS[language], "right": ("2",)}
    if kind == "rating":
        more["scale"] = Scale(1, 5, words["low"], words["high"])
    return Asked(**{"text": words[kind], "kind": Kind(kind), **more, **changes})


def survey(language: str) -> tuple[Asked, ...]:
    """Five questions at once, the last of which may be left out."""
    kinds = ("single", "multiple", "rating", "ranking")
    optional = question(language, "text", required=False)
    return (*(question(language, kind) for kind in kinds), optional)


def sheet(
    asked: Asked | Sequence[Asked],
    language: str = "en",
    *,
    id: str = POLL,
    state: str = "open",
    left: float | None = 74.0,
    duration: int = 120,
    counts: Mapping[str, int] | None = None,
    tiers: Mapping[str, int] | None = None,
    simulated: bool = False,
    audience: Audience = Audience.PUBLIC,
    **rules: Any,
) -> dict[str, Any]:
    """The row of a poll with ``left`` seconds to go; its counts, by counter, where not given."""
    now = time.time()
    closes = now + left if left is not None else None
    wanted = PollRules(duration_seconds=duration if closes is not None else None, **rules)
    every = [asked] if isinstance(asked, Asked) else list(asked)
    made = draft_sheet(
        "mina",
        every,
        ASKERS[language],
        wanted,
        now=now - 60,
        simulated=simulated,
        asked_by=Asker("headquarters", ASKERS),
    )
    moved = msgspec.structs.replace(
        made,
        id=id,
        state=PollState(state),
        opened_at=closes - duration if closes is not None else now - 46,
        closes_at=closes,
        closed_at=now - 5 if state == "closed" else None,
    )
    row = moved.to_dict(_stands(moved, counts, tiers, language), audience)
    return in_words(row, CATALOGUES[language])


def _stands(
    poll: Poll, counts: Mapping[str, int] | None, tiers: Mapping[str, int] | None, language: str
) -> Tally:
    kinds = {one.kind for one in poll.questions}
    found = dict(counts) if counts is not None else _counted(poll)
    total = 2808
    if poll.kind in ("single", "quiz", "rating"):
        total = sum(found.values())
    groups = {f"@tier.{tier}": n for tier, n in (tiers or {"device": total}).items()}
    items = [
        {"id": f"{place:032x}", "text": text, "state": state, "upvotes": votes}
        for place, (text, state, votes) in enumerate(
            zip(ITEMS[language], ("shown", "shown", "answered"), (31, 12, 44), strict=True), 1
        )
    ]
    return Tally(
        poll=poll.id,
        state=poll.state,
        seq=total,
        total=0 if Kind.QA in kinds else total,
        counts=found,
        groups={} if Kind.QA in kinds or not total else groups,
        words={one.id: CLOUD[language] for one in poll.questions if one.kind is Kind.TEXT}
        if Kind.TEXT in kinds
        else None,
        items=items if Kind.QA in kinds else None,
    )


def _counted(poll: Poll) -> dict[str, int]:
    """Numbers that such a poll could have."""
    found: dict[str, int] = {}
    steps = (1204, 871, 640, 93, 411, 388, 240, 120, 77, 40, 12)
    for one in poll.questions:
        prefix = poll.prefix(one)
        if one.kind is Kind.TEXT:
            found[f"{prefix}answers"] = 312
        elif one.kind is Kind.RANKING:
            # Borda: 2,808 orders of four give 2,808 × 6 points.
            points = (5904, 5210, 3902, 1832)
            found |= {
                f"{prefix}{choice.id}": n for choice, n in zip(one.choices, points, strict=True)
            }
        else:
            found |= {
                f"{prefix}{choice.id}": n for choice, n in zip(one.choices, steps, strict=False)
            }
    return found


def poll(
    language: str = "en",
    *,
    id: str = POLL,
    state: str = "open",
    left: float | None = 74.0,
    duration: int = 120,
    counts: tuple[int, ...] = (1204, 871, 640, 93),
    question: str = "",
    simulated: bool = False,
) -> dict[str, Any]:
    """A poll of one question with four choices."""
    one = Asked(question or WORDS[language]["single"], choices=MATTERS[language])
    return sheet(
        one,
        language,
        id=id,
        state=state,
        left=left,
        duration=duration,
        counts={str(place): n for place, n in enumerate(counts, 1)},
        simulated=simulated,
    )


def tally(
    counts: Mapping[str, int], *, id: str = POLL, state: str = "open", seq: int | None = None
) -> dict[str, Any]:
    """A tally; ``seq`` is its total where not given."""
    total = sum(counts.values())
    return {
        "poll": id,
        "state": state,
        "seq": total if seq is None else seq,
        "total": total,
        "counts": dict(counts),
    }


def receipt(poll_id: str, ballot_id: str) -> dict[str, object]:
    """A receipt as the server gives it."""
    return {
        "poll": poll_id,
        "ballot_id": ballot_id,
        "shard": 0,
        "seq": 2809,
        "log": f"localhost/{poll_id}",
        "sig": "A" * 92,
    }
