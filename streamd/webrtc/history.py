"""What was sent of a stream's track of late: one memory for all viewers. Pure.

It serves retransmissions (RFC 4585 §6.2.1) and viewers that need a keyframe now: those who join
and those who lost one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from itertools import islice

from streamd.webrtc.rtp_packets import Packets

KEPT_SECONDS = 1.5
"""A packet asked for later than this comes too late for any viewer's picture."""
KEPT_BYTES = 8 * 1_048_576


class History:
    """Packets by number, oldest first: of the last ``seconds``, and all since the last keyframe.

    Past ``limit`` bytes the oldest go, whatever they are; what is left of a group of pictures
    without its keyframe then serves retransmissions alone.
    """

    def __init__(self, seconds: float = KEPT_SECONDS, limit: int = KEPT_BYTES) -> None:
        self._seconds = seconds
        self._limit = limit
        self._kept: deque[Packets] = deque()
        self._numbers: deque[int] = deque()
        self._bytes = 0
        self._key: int | None = None

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size(self) -> int:
        """Bytes of payload that are kept."""
        return self._bytes

    def add(self, packets: Packets) -> None:
        """Keeps the newest unit; numbers rise from one to the next."""
        self._kept.append(packets)
        self._numbers.append(packets.number)
        self._bytes += packets.size
        if packets.kind == "v" and packets.key:
            self._key = packets.number
        self._trim(packets.arrival - self._seconds)

    def find(self, number: int) -> tuple[Packets, int] | None:
        """The unit that packet ``number`` belongs to, and its index there; None once it is gone."""
        at = bisect_right(self._numbers, number) - 1
        if at < 0:
            return None
        packets = self._kept[at]
        index = number - packets.number
        return (packets, index) if index < packets.count else None

    def since_key(self) -> list[Packets]:
        """The last keyframe and all that came after it; empty where it is not kept whole."""
        if self._key is None:
            return []
        at = bisect_right(self._numbers, self._key) - 1
        return list(islice(self._kept, at, None))

    def clear(self) -> None:
        """Forgets everything."""
        self._kept.clear()
        self._numbers.clear()
        self._bytes = 0
        self._key = None

    def _trim(self, oldest: float) -> None:
        while len(self._kept) > 1:
            first = self._kept[0]
            needed = self._key is not None and first.number >= self._key
            stale = first.arrival < oldest and not needed
            if not stale and self._bytes <= self._limit:
                return
            if first.number == self._key:
                self._key = None
            self._kept.popleft()
            self._numbers.popleft()
            self._bytes -= first.size
