"""When to ask the publisher for a keyframe (picture loss indication, RFC 4585 §6.3.1). Pure.

At once at the start, then on a beat of ``interval`` seconds so that joiners find a keyframe; and
when pictures were lost, at most once in ``SPACING_SECONDS``.
"""

from __future__ import annotations

SPACING_SECONDS = 1.0


class KeyframeBeat:
    """Decides when to send the next request. Times are seconds on any steady clock."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._asked: float | None = None
        self._came: float | None = None
        self.requests = 0

    def came(self, now: float) -> None:
        """A keyframe arrived."""
        self._came = now

    def due(self, now: float, *, lost: bool) -> bool:
        """Whether to ask now; then it counts as asked. ``lost``: a picture cannot be decoded."""
        if self._asked is None:
            wanted = True
        elif lost:
            wanted = now - self._asked >= min(SPACING_SECONDS, self._interval)
        else:
            # A publisher with its own shorter rhythm is left alone.
            fresh = self._came is not None and now - self._came < self._interval / 2
            wanted = now - self._asked >= self._interval and not fresh
        if wanted:
            self._asked = now
            self.requests += 1
        return wanted
