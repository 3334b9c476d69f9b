"""Reading single bits and Exp-Golomb codes (ITU-T H.264 clause 9.1)."""

from __future__ import annotations

from streamd.errors import MalformedMedia


class BitReader:
    """Reads bits from the most significant one on. Past the end: MalformedMedia."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def bits(self, count: int) -> int:
        """The next ``count`` bits as an unsigned number."""
        if count > self._left:
            raise MalformedMedia("The configuration ends in the middle of a field.")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def flag(self) -> bool:
        """The next bit."""
        return self.bits(1) == 1

    def ue(self) -> int:
        """An unsigned Exp-Golomb code, at most 32 bits of value."""
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > 32:
                raise MalformedMedia("An Exp-Golomb code is longer than 32 bits.")
        return (1 << zeros) - 1 + self.bits(zeros)

    def se(self) -> int:
        """A signed Exp-Golomb code (clause 9.1.1)."""
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)
