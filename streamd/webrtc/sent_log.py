"""Which of a stream's packets went to one viewer under which sequence number. Pure.

While a viewer gets everything, its numbers run beside the stream's. A skipped picture, or a
keyframe sent again, begins a new stretch; a lost packet is found again through the stretches.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from streamd.webrtc.rtp_packets import Packets

STRETCHES = 256
"""Past these, the oldest stretch is forgotten: its packets cannot be asked for any more."""


@dataclass(slots=True)
class _Stretch:
    """``count`` packets from ``sequence`` (unwrapped) are the stream's from ``number``.

    ``timestamp``: the RTP timestamp they were sent under, None for their own.
    """

    sequence: int
    number: int
    count: int
    timestamp: int | None


class SentLog:
    """One track of one viewer. ``next`` is the next sequence number, unwrapped.

    It begins in the lower half of its range, since SRTP takes a wrap right at the start for an
    old packet (RFC 3711 §3.3.1).
    """

    __slots__ = ("_newest", "_stretches", "next")

    def __init__(self, first: int) -> None:
        self.next = first
        self._stretches: deque[_Stretch] = deque(maxlen=STRETCHES)
        self._newest: _Stretch | None = None

    def sent(self, packets: Packets, timestamp: int | None = None) -> int:
        """Notes a unit as sent; returns its first packet's sequence number, 16 bits."""
        sequence, count = self.next, packets.count
        self.next = sequence + count
        last = self._newest
        if (
            last is not None
            and last.timestamp is None
            and timestamp is None
            and last.number + last.count == packets.number
        ):
            last.count += count
        else:
            self._newest = _Stretch(sequence, packets.number, count, timestamp)
            self._stretches.append(self._newest)
        return sequence & 0xFFFF

    def find(self, sequence: int) -> tuple[int, int | None] | None:
        """For a 16-bit sequence number: the packet's number in the stream, and the timestamp
        it went under (None: its own). None where it was never sent, or long ago.
        """
        behind = (self.next - 1 - sequence) & 0xFFFF
        place = self.next - 1 - behind
        for stretch in reversed(self._stretches):
            if stretch.sequence <= place:
                ahead = place - stretch.sequence
                if ahead >= stretch.count:
                    return None
                return stretch.number + ahead, stretch.timestamp
        return None
