"""RTMP's milliseconds as timestamps: 32 bits unwrapped, sound on its own sample count. Pure."""

from __future__ import annotations

SOUND_TOLERANCE_SECONDS = 0.015
"""How far sound's milliseconds may stray from its sample count before they are believed."""

_HALF, _WHOLE = 1 << 31, 1 << 32


class Milliseconds:
    """32-bit milliseconds (24 bits and their extension) onto a line without end.

    A step of less than 2³¹ ms in either direction is taken as it is, over the wrap too; so a
    jump back stays a jump back.
    """

    def __init__(self) -> None:
        self._last: int | None = None

    def take(self, stamp: int) -> int:
        """The unwrapped value of the next message's timestamp."""
        if self._last is None:
            self._last = stamp
        step = (stamp - self._last + _HALF) % _WHOLE - _HALF
        self._last += step
        return self._last


class SampleClock:
    """Sound's timestamps in samples, free of the rounding to milliseconds.

    A frame begins where the last one ended, unless its milliseconds say otherwise by more than
    SOUND_TOLERANCE_SECONDS: then they are right (sound was lost, or jumped).
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._next: int | None = None

    def take(self, milliseconds: int, samples: int) -> int:
        """The first sample of a frame of ``samples``, told to begin at ``milliseconds``."""
        told = milliseconds * self._rate // 1000
        start = told
        if self._next is not None and abs(told - self._next) <= (
            SOUND_TOLERANCE_SECONDS * self._rate
        ):
            start = self._next
        self._next = start + samples
        return start
