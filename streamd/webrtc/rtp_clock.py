"""Counters that wrap: RTP sequence numbers (16 bits) and timestamps (32 bits), RFC 3550 §5.1."""

from __future__ import annotations


class Unwrapper:
    """Turns a counter that wraps into one that does not.

    Each value is read as the one nearest to the highest seen so far, so late and repeated values
    keep their place and a wrap in either direction is followed. Results may be negative when the
    first values arrive out of order.
    """

    __slots__ = ("_half", "_highest", "_size")

    def __init__(self, bits: int) -> None:
        self._size = 1 << bits
        self._half = self._size >> 1
        self._highest: int | None = None

    @property
    def highest(self) -> int | None:
        """The highest value taken so far, unwrapped; None before the first."""
        return self._highest

    def peek(self, value: int) -> int:
        """What ``take(value)`` would return, without remembering it."""
        if self._highest is None:
            return value
        return self._highest + (value - self._highest + self._half) % self._size - self._half

    def take(self, value: int) -> int:
        """The unwrapped value, remembered when it is the highest."""
        unwrapped = self.peek(value)
        if self._highest is None or unwrapped > self._highest:
            self._highest = unwrapped
        return unwrapped

    def forget(self) -> None:
        """Starts anew: the sender's counter began again."""
        self._highest = None


DROPOUT = 1_000
"""A jump in sequence numbers past which the sender is taken to have started again."""


class SequenceNumbers:
    """A source's 16-bit sequence numbers, unwrapped, with restarts told from stray packets.

    A jump of more than ``DROPOUT`` is believed only when the next number follows it (RFC 3550
    §A.1). ``restarts`` counts the believed ones.
    """

    __slots__ = ("_suspect", "_unwrapper", "restarts")

    def __init__(self) -> None:
        self._unwrapper = Unwrapper(16)
        self._suspect: int | None = None
        self.restarts = 0

    @property
    def highest(self) -> int | None:
        """The highest number of this run, unwrapped; None before the first."""
        return self._unwrapper.highest

    def take(self, sequence: int) -> int | None:
        """The unwrapped number; None where it jumps and nothing has confirmed it yet."""
        highest = self._unwrapper.highest
        if highest is not None and abs(self._unwrapper.peek(sequence) - highest) > DROPOUT:
            if self._suspect != sequence:
                self._suspect = (sequence + 1) & 0xFFFF
                return None
            self.forget()
            self.restarts += 1
        self._suspect = None
        return self._unwrapper.take(sequence)

    def forget(self) -> None:
        """Starts anew with the next number."""
        self._unwrapper.forget()
        self._suspect = None
