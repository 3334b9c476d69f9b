"""When to ask the publisher for a keyframe (picture loss indication, RFC 4585 §6.3.1). Pure.

Every ``interval`` seconds, so that joiners find a keyframe; and when a picture was lost. Never more
often than once in ``SPACING_SECONDS``. At the start the publisher's own first keyframe is given
``FIRST_SECONDS`` to come whole, since asking at once would only make it send two.
"""

from __future__ import annotations

SPACING_SECONDS = 1.0
FIRST_SECONDS = 0.25


class KeyframeBeat:
    """Decides when to send the next request. Times are seconds on any steady clock."""

    def __init__(self, interval: float) -> None:
        self._interval = max(interval, SPACING_SECONDS)
        self._started: float | None = None
        self._asked: float | None = None
        self._came: float | None = None
        self.requests = 0

    def came(self, now: float) -> None:
        """A keyframe arrived."""
        self._came = now

    def due(self, now: float, *, lost: bool) -> bool:
        """Whether to ask now; then it counts as asked. ``lost``: a picture cannot be decoded.

        The first call tells that video has begun to arrive.
        """
        if self._started is None:
            self._started = now
        if lost:
            last = (
                self._asked
                if self._asked is not None
                else self._started + FIRST_SECONDS - SPACING_SECONDS
            )
            wanted = now - last >= SPACING_SECONDS
        else:
            # A publisher with its own shorter rhythm is left alone.
            fresh = self._came is not None and now - self._came < self._interval / 2
            last = self._asked if self._asked is not None else self._started
            wanted = now - last >= self._interval and not fresh
        if wanted:
            self._asked = now
            self.requests += 1
        return wanted
