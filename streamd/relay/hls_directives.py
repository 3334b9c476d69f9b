"""Delivery directives: what a player adds to a playlist's address (bis section 6.2.5). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_LARGEST = 2**63


class Unreadable(ValueError):
    """A directive's value is not what the standard allows; the text says which."""


@dataclass(frozen=True, slots=True)
class Directives:
    """``msn`` and ``part`` to wait for, None where not asked; ``skip``: a delta update is fine."""

    msn: int | None = None
    part: int | None = None
    skip: bool = False


def parse(query: Mapping[str, str]) -> Directives:
    """Reads a query. Parameters that are no directives are ignored. Raises Unreadable."""
    msn, part = _number(query, "_HLS_msn"), _number(query, "_HLS_part")
    if part is not None and msn is None:
        raise Unreadable("_HLS_part needs _HLS_msn beside it.")
    # "v2" lets date ranges be skipped too, which CAN-SKIP-DATERANGES would have to announce.
    return Directives(msn, part, skip=query.get("_HLS_skip") in ("YES", "v2"))


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) < _LARGEST):
        raise Unreadable(f"{name} is a whole number.")
    return int(text)
