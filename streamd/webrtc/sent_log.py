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
    """The packets from ``sequence`` (unwrapped) on are the stream's from ``number`` on, up to where
    the next stretch begins.

    ``timestamp``: the RTP timestamp they were sent under, None for their own.
    """

    sequence: int
    number: int
    timestamp: int | None


class SentLog:
    """One track of one viewer. ``first`` and ``next`` are sequence numbers, unwrapped.

    It begins in the lower half of its range, since SRTP takes a wrap right at the start for an
    old packet (RFC 3711 §3.3.1).
    """

    __slots__ = ("_ahead", "_stretches", "first", "next")

    def __init__(self, first: int) -> None:
        self.first = self.next = first
        self._stretches: deque[_Stretch] = deque(maxlen=STRETCHES)
        self._ahead: int | None = None
        """How far the numbers are ahead of the stream's; None where the next stretch begins."""

    def sent(self, packets: Packets, timestamp: int | None = None) -> int:
        """Notes a unit as sent; returns its first packet's sequence number, 16 bits."""
        sequence = self.next
        self.next = sequence + packets.count
        if timestamp is not None or sequence - packets.number != self._ahead:
            self._stretches.append(_Stretch(sequence, packets.number, timestamp))
            self._ahead = sequence - packets.number if timestamp is None else None
        return sequence & 0xFFFF

    def find(self, sequence: int) -> tuple[int, int | None] | None:
        """For a 16-bit sequence number: the packet's number in the stream, and the timestamp
        it went under (None: its own). None where it was never sent, or long ago.
        """
        behind = (self.next - 1 - sequence) & 0xFFFF
        place = self.next - 1 - behind
        for stretch in reversed(self._stretches):
            if stretch.sequence <= place:
                return stretch.number + place - stretch.sequence, stretch.timestamp
        return None
