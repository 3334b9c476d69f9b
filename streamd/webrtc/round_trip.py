"""The round trip to a sender of media, by RTCP extended reports (RFC 3611 §4.4, §4.5). Pure.

A receiver has no round trip of its own in RTCP: reports on its streams go one way. It sends the
time (RRTR), and a sender that knows the extension returns it with the delay it was held (DLRR).
Browsers do; where nobody answers, ``seconds`` stays None.
"""

from __future__ import annotations

import struct

_EXTENDED_REPORT = 207
_REFERENCE_TIME = 4
_RETURNED_TIME = 5
_MOST_SECONDS = 10.0
"""A longer round trip is a wrong answer."""


class RoundTrip:
    """Measures for one receiver. Times are seconds on any steady clock."""

    def __init__(self) -> None:
        self.seconds: float | None = None

    def question(self, ssrc: int, now: float) -> bytes:
        """An RTCP packet with the time, from the receiver ``ssrc``."""
        moment = int(now * (1 << 32)) & 0xFFFFFFFF_FFFFFFFF
        return struct.pack(
            "!BBHLBBHQ", 0x80, _EXTENDED_REPORT, 4, ssrc, _REFERENCE_TIME, 0, 2, moment
        )

    def heard(self, compound: bytes, ssrc: int, now: float) -> None:
        """Takes a compound RTCP packet; one that breaks the format is passed over."""
        at = 0
        while at + 4 <= len(compound):
            kind, words = struct.unpack_from("!xBH", compound, at)
            end = at + 4 + words * 4
            if kind == _EXTENDED_REPORT and end <= len(compound):
                self._report(compound[at + 8 : end], ssrc, now)
            at = end

    def _report(self, blocks: bytes, ssrc: int, now: float) -> None:
        at = 0
        while at + 4 <= len(blocks):
            kind, words = struct.unpack_from("!BxH", blocks, at)
            end = at + 4 + words * 4
            if kind == _RETURNED_TIME and end <= len(blocks):
                for sub in range(at + 4, end - 11, 12):
                    source, middle, held = struct.unpack_from("!LLL", blocks, sub)
                    if source == ssrc and middle:
                        self._returned(middle, held, now)
            at = end

    def _returned(self, middle: int, held: int, now: float) -> None:
        took = ((int(now * 65_536) - middle - held) & 0xFFFFFFFF) / 65_536
        if took >= (1 << 15):
            # The clocks' grain can make it come out just below nothing.
            took = 0.0
        if took <= _MOST_SECONDS:
            self.seconds = took
