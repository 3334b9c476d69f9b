"""How much of the picture a viewer's path can carry, from what the viewer reports. Pure.

    EVERYTHING ──bad──► REFERENCES ──still bad──► KEYFRAMES
        ▲ ──────good for a while──┘ ◄──good, at a keyframe──┘

A bad report means many losses, or an estimate below what was really sent. First the pictures go
that no other refers to; a stream without such pictures loses nothing by that step. Then everything
up to a keyframe goes, at least the next one, and each time that this did not help for long, the
wait for a keyframe to go on from gets longer.
"""

from __future__ import annotations

from enum import IntEnum

BAD_LOSS = 0.10
GOOD_LOSS = 0.02
"""Between the two, loss is the retransmissions' business (RFC 8698 and GCC draw the same lines)."""
LOSS_PACKETS = 40
LOSS_SECONDS = 4.0
"""Losses are counted over so many packets, or so long: a report of a quiet stream is about a dozen
packets, and two of those get lost now and then on a path that is merely bad."""
LOSS_WEIGHT = 0.4
"""Of the newest count in the mean."""
SHORT_ESTIMATE = 0.85
"""An estimate below this share of what was sent is congestion; above it, it merely follows what
was sent, since a receiver cannot know more."""
SHORT_ESTIMATES = 3
RESPONSE_SECONDS = 0.7
"""A step needs this time to show in the reports, before another one is taken."""
REST_SECONDS = (1.5, 3.0, 6.0, 12.0)
"""Quiet time before pictures between keyframes are tried again."""
RECOVERY_SECONDS = 5.0
CALM_SECONDS = 30.0
"""After this long without KEYFRAMES, the first rest is the shortest again."""
WARM_UP_SECONDS = 4.0
"""An estimate right after the start, or after a burst, has not settled."""
FLOOR_BITS = 100_000
"""Below this rate estimates say nothing."""


class Level(IntEnum):
    """What is sent of the picture."""

    EVERYTHING = 0
    REFERENCES = 1
    KEYFRAMES = 2


class Congestion:
    """One viewer's level. Times are seconds."""

    def __init__(self, now: float) -> None:
        self.level = Level.EVERYTHING
        self.estimate: int | None = None
        self.loss = 0.0
        """The mean of late."""
        self.steps = 0
        """Times that a level was gone up."""
        self._settled = now + WARM_UP_SECONDS
        self._changed = self._bad = self._resumed = now - CALM_SECONDS
        self._short = 0
        self._rests = 0
        self._measured: tuple[float, int] | None = None
        self._counted: tuple[int, int, float] | None = None

    def burst(self, now: float) -> None:
        """Much was sent at once, which no estimate can be held against."""
        self._settled = max(self._settled, now + WARM_UP_SECONDS)
        self._short = 0

    def reported(self, lost: int, highest: int, now: float) -> None:
        """A report on the picture: packets lost since the beginning, and the highest number."""
        if self._counted is None:
            self._counted = lost, highest, now
            return
        before, first, since = self._counted
        packets = (highest - first) & 0xFFFFFFFF
        if packets >= LOSS_PACKETS or (packets and now - since >= LOSS_SECONDS):
            self._counted = lost, highest, now
            self.lost(min(1.0, max(0, lost - before) / packets), now)

    def lost(self, fraction: float, now: float) -> None:
        """A share of the picture's packets was lost."""
        self.loss += LOSS_WEIGHT * (fraction - self.loss)
        if self.loss >= BAD_LOSS and fraction > GOOD_LOSS:
            self._worse(now)
        elif self.loss <= GOOD_LOSS and not self._short:
            self._better(now)

    def estimated(self, bits: int, octets: int, now: float) -> None:
        """The viewer's estimate of what its path carries; ``octets`` were sent to it so far."""
        self.estimate = bits
        rate = self._rate(octets, now)
        if rate is None or now < self._settled:
            return
        if rate >= FLOOR_BITS and bits < SHORT_ESTIMATE * rate:
            self._short += 1
            if self._short >= SHORT_ESTIMATES:
                self._worse(now)
        else:
            self._short = 0

    def passes(self, *, key: bool, disposable: bool, now: float) -> bool:
        """Whether a picture is sent."""
        if self.level is Level.EVERYTHING:
            return True
        if self.level is Level.REFERENCES:
            return not disposable
        if key and now - self._bad >= REST_SECONDS[self._rests]:
            self._resumed = now
            self._go(Level.REFERENCES, now)
        return key

    def _rate(self, octets: int, now: float) -> float | None:
        """Bits a second since an estimate at least a second ago."""
        if self._measured is None:
            self._measured = now, octets
            return None
        since, before = self._measured
        if now - since < 1.0:
            return None
        self._measured = now, octets
        return 8 * (octets - before) / (now - since)

    def _worse(self, now: float) -> None:
        self._bad = now
        if self.level is Level.KEYFRAMES or now - self._changed < RESPONSE_SECONDS:
            return
        if self.level is Level.REFERENCES:
            again = now - self._resumed < CALM_SECONDS
            self._rests = min(self._rests + 1, len(REST_SECONDS) - 1) if again else 0
        self.steps += 1
        self._short = 0
        self._go(Level(self.level + 1), now)

    def _better(self, now: float) -> None:
        quiet = now - max(self._bad, self._changed)
        if self.level is Level.REFERENCES and quiet >= RECOVERY_SECONDS:
            self._go(Level.EVERYTHING, now)

    def _go(self, level: Level, now: float) -> None:
        self.level = level
        self._changed = now
