"""The rules of a poll, pure: its life as one table, and what may be asked and answered.

    draft ──schedule──► scheduled ──open──► open ──close──► closed ──archive──► archived
      └───────────────────open──────────────►

Ballots count in state ``open`` alone; the store's atomic step has the last word on that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Literal

from polling.errors import IllegalMove, InvalidBallot, InvalidPoll

CHOICES = range(2, 11)
QUESTION_CHARACTERS = 300
LABEL_CHARACTERS = 100
ASKER_CHARACTERS = 100
DURATION_SECONDS = range(1, 7 * 24 * 3600 + 1)

_POLL_ID = re.compile(r"[a-z2-7]{10}")
_STREAM_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RANDOM_128 = re.compile(r"[0-9a-f]{32}")
# Overrides and isolates can make a label read as another one (Unicode TR 36, section 2.5).
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class PollState(StrEnum):
    """Where a poll stands in its life."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    OPEN = "open"
    CLOSED = "closed"
    ARCHIVED = "archived"


Move = Literal["schedule", "open", "close", "archive"]

MOVES: Mapping[PollState, Mapping[Move, PollState]] = {
    PollState.DRAFT: {"schedule": PollState.SCHEDULED, "open": PollState.OPEN},
    PollState.SCHEDULED: {"open": PollState.OPEN},
    PollState.OPEN: {"close": PollState.CLOSED},
    PollState.CLOSED: {"archive": PollState.ARCHIVED},
    PollState.ARCHIVED: {},
}

FINISHED = frozenset({PollState.CLOSED, PollState.ARCHIVED})
_ORDER = {state: place for place, state in enumerate(PollState)}


def after(poll: str, state: PollState, move: Move) -> PollState:
    """The state that ``move`` leads to. Raises IllegalMove where the table has no such move."""
    try:
        return MOVES[state][move]
    except KeyError:
        raise IllegalMove(poll, state, move) from None


def is_before(state: PollState, other: PollState) -> bool:
    """Whether ``state`` comes before ``other`` in a poll's life; no move leads back."""
    return _ORDER[state] < _ORDER[other]


def is_poll_id(text: str) -> bool:
    """Whether ``text`` has the shape of a poll's id: ten characters of base32, lower case."""
    return _POLL_ID.fullmatch(text) is not None


def check_stream(stream: str) -> str:
    """``stream`` if it can be a stream's id (1–64 of ``A–Z a–z 0–9 . _ -``), else InvalidPoll."""
    if _STREAM_ID.fullmatch(stream) is None:
        raise InvalidPoll(f"“{stream[:64]}” is not a stream's id.", "stream")
    return stream


def check_question(text: str) -> str:
    """The question, NFC and trimmed. Raises InvalidPoll past 300 characters or when empty."""
    return _check_text(text, "question", "The question", QUESTION_CHARACTERS)


def check_asker(text: str) -> str:
    """Who asks, NFC and trimmed. Raises InvalidPoll past 100 characters or when empty."""
    return _check_text(text, "asker", "The asker's name", ASKER_CHARACTERS)


def check_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """The choices' labels, NFC and trimmed: 2–10 different ones of 1–100 characters each.

    Raises InvalidPoll, naming the label at fault.
    """
    if isinstance(labels, str) or len(labels) not in CHOICES:
        raise InvalidPoll("A poll has 2 to 10 choices.", "choices")
    checked = tuple(
        _check_text(label, "choices", f"Choice {number}", LABEL_CHARACTERS)
        for number, label in enumerate(labels, 1)
    )
    if len({label.casefold() for label in checked}) < len(checked):
        raise InvalidPoll("Two choices have the same label. Make them different.", "choices")
    return checked


def check_duration(seconds: int | None) -> int | None:
    """Seconds from opening to closing, 1 to 604,800 (a week); None: closed by hand."""
    if seconds is not None and (isinstance(seconds, bool) or seconds not in DURATION_SECONDS):
        raise InvalidPoll(
            "A poll stays open for 1 second to 7 days. Leave the duration out to close it by hand.",
            "duration_seconds",
        )
    return seconds


def check_random(text: str, field: str) -> str:
    """``text`` if it is 128 bits as 32 lower-case hexadecimal characters, else InvalidBallot."""
    if _RANDOM_128.fullmatch(text) is None:
        raise InvalidBallot(f"A {field} is 32 lower-case hexadecimal characters.", field)
    return text


def check_single(choices: Sequence[str]) -> str:
    """The one choice of a ballot. Raises InvalidBallot where there are none or several."""
    if len(choices) != 1:
        raise InvalidBallot("Choose exactly one answer.", "choices")
    return choices[0]


def _check_text(text: str, field: str, shown: str, limit: int) -> str:
    if not isinstance(text, str):
        raise InvalidPoll(f"{shown} must be text.", field)
    text = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(text) <= limit:
        raise InvalidPoll(f"{shown} needs 1 to {limit} characters.", field)
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs") or character in _BIDI_CONTROLS:
            raise InvalidPoll(
                f"{shown} holds a control character (U+{ord(character):04X}). Remove it.", field
            )
    return text
