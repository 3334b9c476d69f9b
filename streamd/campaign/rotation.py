"""The order in which candidates are shown: rotated daily, the same on every page, open to check.

Day n of the common era (``date.toordinal``) starts the list with candidate ``n mod count``,
counted by ballot number. Over any ``count`` days in a row each candidate stands once in each
place. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol, TypeVar


class Numbered(Protocol):
    """Anything with a ballot number."""

    @property
    def number(self) -> int: ...


T = TypeVar("T", bound=Numbered)


def rotated(candidates: Sequence[T], day: date) -> list[T]:
    """``candidates`` in the order of ``day``."""
    by_number = sorted(candidates, key=lambda candidate: candidate.number)
    if not by_number:
        return []
    first = day.toordinal() % len(by_number)
    return by_number[first:] + by_number[:first]
