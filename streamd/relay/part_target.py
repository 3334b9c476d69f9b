"""The PART-TARGET of one publication (bis section 4.4.3.7). Pure.

Parts end where a frame ends, each but a segment's last within 85 % and 100 % of the target. So the
target has to suit the length of a frame: at five pictures a second no part of 334 ms can be made.
It is settled once, from the first frames, since a playlist's target should not change.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor

LEAST = Fraction(85, 100)
"""Of the target: the shortest that a part other than a segment's last may be."""

LONGEST = Fraction(2)
"""Seconds: no target goes past this, however slow the pictures."""


class PartTarget:
    """``seconds`` is None until settled; ``least`` the shortest part."""

    def __init__(self, wished_ms: int) -> None:
        self.wished = Fraction(wished_ms, 1000)
        self.seconds: Fraction | None = None

    @property
    def least(self) -> Fraction:
        """Seconds after which a part may end."""
        return LEAST * (self.wished if self.seconds is None else self.seconds)

    def settle(self, frames: Sequence[Fraction]) -> None:
        """Takes the shortest target from the wish on that suits frames of these lengths, in
        seconds. Settled once: later calls change nothing."""
        if self.seconds is None:
            self.seconds = suitable(self.wished, frames)


def suitable(wished: Fraction, frames: Sequence[Fraction]) -> Fraction:
    """See PartTarget.settle. In whole milliseconds; ``wished`` where nothing suits."""
    candidates = {wished}
    for frame in frames:
        for count in range(1, floor(LONGEST / frame) + 1):
            candidates.add(Fraction(ceil(count * frame * 1000), 1000))
    for target in sorted(one for one in candidates if wished <= one <= LONGEST):
        if all(_fits(target, frame) for frame in frames):
            return target
    return wished


def _fits(target: Fraction, frame: Fraction) -> bool:
    """Whether some whole number of frames makes a part."""
    return floor(target / frame) * frame >= LEAST * target
