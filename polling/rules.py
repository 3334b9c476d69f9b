"""The rules of a poll, pure: its life as one table, and what may be asked and answered.

    draft ──schedule──► scheduled ──open──► open ──close──► closed ──archive──► archived
      └───────────────────open──────────────►

A scheduled poll opens by itself, and may be scheduled anew. What never opened may be archived: it
is withdrawn.

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
AHEAD_SECONDS = 366 * 24 * 3600

_POLL_ID = re.compile(r"[a-z2-7]{10}")
_STREAM_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
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
    PollState.DRAFT: {
        "schedule": PollState.SCHEDULED,
        "open": PollState.OPEN,
        "archive": PollState.ARCHIVED,
    },
    PollState.SCHEDULED: {
        "schedule": PollState.SCHEDULED,
        "open": PollState.OPEN,
        "archive": PollState.ARCHIVED,
    },
    PollState.OPEN: {"close": PollState.CLOSED},
    PollState.CLOSED: {"archive": PollState.ARCHIVED},
    PollState.ARCHIVED: {},
}

UNOPENED = frozenset({PollState.DRAFT, PollState.SCHEDULED})
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


def check_labels(labels: Sequence[str], allowed: range = CHOICES) -> tuple[str, ...]:
    """The choices' labels, NFC and trimmed: different ones of 1–100 characters each.

    ``allowed`` is how many of them a question may have. Raises InvalidPoll, naming the label at
    fault.
    """
    if isinstance(labels, str) or len(labels) not in allowed:
        raise InvalidPoll(
            f"This kind of question has {allowed.start} to {allowed.stop - 1} choices.", "choices"
        )
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


def check_opens_at(opens_at: float, now: float) -> float:
    """When a poll shall open (Unix seconds): from now to a year ahead, else InvalidPoll."""
    if isinstance(opens_at, bool) or not now <= opens_at <= now + AHEAD_SECONDS:
        raise InvalidPoll("Choose an opening time from now to a year ahead.", "opens_at")
    return float(opens_at)


def check_optional(text: str, field: str, limit: int) -> str:
    """``text``, NFC and trimmed, which may be empty. Raises InvalidPoll past ``limit``."""
    return _check_text(text, field, "The text", limit) if text else ""


def random_128(text: str, field: str) -> bytes:
    """The 128 bits that ``text`` spells as 32 lower-case hexadecimal characters.

    Raises InvalidBallot.
    """
    try:
        bits = bytes.fromhex(text)
    except ValueError:
        bits = b""
    # fromhex takes capitals and spaces; what reads back the same had neither.
    if len(bits) != 16 or bits.hex() != text:
        raise InvalidBallot(f"A {field} is 32 lower-case hexadecimal characters.", field)
    return bits


def random_pair(ballot_id: str, nonce: str) -> tuple[bytes, bytes]:
    """Both of a ballot's 128 bits at once, as ``random_128`` gives them: every vote needs them."""
    both = ballot_id + nonce
    try:
        bits = bytes.fromhex(both)
    except ValueError:
        bits = b""
    if len(both) == 64 and len(ballot_id) == 32 and bits.hex() == both:
        return bits[:16], bits[16:]
    return random_128(ballot_id, "ballot_id"), random_128(nonce, "nonce")


def check_written(text: str, field: str, limit: int) -> str:
    """What a viewer wrote, NFC, runs of white space made one space, trimmed.

    Raises InvalidBallot past ``limit`` characters, when empty, or over a control character.
    """
    text = " ".join(unicodedata.normalize("NFC", text).split())
    if not 1 <= len(text) <= limit:
        raise InvalidBallot(f"Write 1 to {limit} characters.", field)
    if (bad := _control(text)) is not None:
        raise InvalidBallot(f"The text holds a control character (U+{bad:04X}).", field)
    return text


def _check_text(text: str, field: str, shown: str, limit: int) -> str:
    if not isinstance(text, str):
        raise InvalidPoll(f"{shown} must be text.", field)
    text = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(text) <= limit:
        raise InvalidPoll(f"{shown} needs 1 to {limit} characters.", field)
    if (bad := _control(text)) is not None:
        raise InvalidPoll(f"{shown} holds a control character (U+{bad:04X}). Remove it.", field)
    return text


def _control(text: str) -> int | None:
    """The first character of ``text`` that does not belong into plain text, or None."""
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs") or character in _BIDI_CONTROLS:
            return ord(character)
    return None
