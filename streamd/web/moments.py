"""Moments and lengths as text, for pages that are read before their scripts run.

Times are UTC and say so; the page's script shows them in the reader's own zone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from babel.dates import format_datetime
from persiantools import digits
from persiantools.jdatetime import JalaliDateTime


def moment(unix: float, language: str) -> str:
    """Day, month, year, hours and minutes in UTC; Jalali in Persian."""
    at = datetime.fromtimestamp(unix, UTC)
    if language == "fa":
        jalali: Any = JalaliDateTime(at)  # type: ignore[no-untyped-call]
        shown = f"{jalali.day} {jalali.strftime('%B', locale='fa')} {jalali.year}، {at:%H:%M}"
        return f"{digits.en_to_fa(shown)} UTC"
    return f"{format_datetime(at, 'd MMMM y, HH:mm', locale='en_GB')} UTC"


def iso(unix: float) -> str:
    """For ``<time datetime>``."""
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def length(seconds: float, language: str) -> str:
    """``m:ss``, or ``h:mm:ss`` from an hour on."""
    whole = max(int(seconds), 0)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    text = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return digits.en_to_fa(text) if language == "fa" else text


def iso_length(seconds: float) -> str:
    """For ``<time datetime>`` too: ISO 8601, ``PT83S``."""
    return f"PT{max(int(seconds), 0)}S"


def megabytes(count: int, language: str) -> str:
    """Whole megabytes, at least one."""
    text = f"{max(round(count / 1_000_000), 1)}"
    return digits.en_to_fa(text) if language == "fa" else text
