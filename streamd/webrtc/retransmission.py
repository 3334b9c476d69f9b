"""Which lost packets to ask for, and when (generic NACK, RFC 4585 §6.2.1). Pure."""

from __future__ import annotations

from collections.abc import Iterable

RETRY_SECONDS = 0.08
TRIES = 3
LISTED = 64


class Requests:
    """Asks at once for each missing packet, then again while it stays away, ``TRIES`` times.

    Only what is still missing is remembered, so the memory is bounded by what ``due`` is given.
    """

    def __init__(self) -> None:
        self._asked: dict[int, tuple[int, float]] = {}
        self.sent = 0

    def due(self, missing: Iterable[int], now: float) -> list[int]:
        """Of the missing 16-bit sequence numbers, those to ask for now; at most ``LISTED``."""
        asked: dict[int, tuple[int, float]] = {}
        due: list[int] = []
        for sequence in missing:
            tries, last = self._asked.get(sequence, (0, 0.0))
            if tries < TRIES and len(due) < LISTED and (not tries or now - last >= RETRY_SECONDS):
                due.append(sequence)
                tries, last = tries + 1, now
            asked[sequence] = (tries, last)
        self._asked = asked
        self.sent += len(due)
        return due
