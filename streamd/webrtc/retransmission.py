"""Which lost packets to ask for, and when (generic NACK, RFC 4585 §6.2.1). Pure."""

from __future__ import annotations

from collections.abc import Iterable

RETRY_SECONDS = 0.08
"""Between two requests for one packet while the round trip is not known."""
LEAST_SECONDS, MOST_SECONDS = 0.03, 0.15
GRAIN_SECONDS = 0.01
"""What a retransmission takes beyond the round trip."""
LISTED = 64


class Requests:
    """Asks at once for each missing packet, then again and again for as long as it is missing.

    The depacketizer stops listing a packet when its picture's deadline has passed, so requests
    stop there too, and the memory is bounded by what ``due`` is given.
    """

    def __init__(self) -> None:
        self._asked: dict[int, float] = {}
        self.sent = 0

    def due(self, missing: Iterable[int], now: float, trip: float | None = None) -> list[int]:
        """Of the missing 16-bit sequence numbers, those to ask for now; at most ``LISTED``.

        ``trip`` is the round trip in seconds where it is known: sooner an answer cannot be here.
        """
        pause = RETRY_SECONDS
        if trip is not None:
            pause = min(max(trip + GRAIN_SECONDS, LEAST_SECONDS), MOST_SECONDS)
        asked: dict[int, float] = {}
        due: list[int] = []
        for sequence in missing:
            last = self._asked.get(sequence)
            if (last is None or now - last >= pause) and len(due) < LISTED:
                due.append(sequence)
                last = now
            if last is not None:
                asked[sequence] = last
        self._asked = asked
        self.sent += len(due)
        return due
