"""Pictures sent again from memory, for a viewer that needs a keyframe, a share at a time. Pure.

They pass in a moment, under timestamps pressed together right before the newest picture's own, so
that the viewer is live at once instead of behind by their length. What the stream brings meanwhile
waits behind them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from streamd.webrtc.rtp_packets import Packets

REPLAY_BYTES = 1_048_576
REPLAY_PICTURES = 300
"""A longer replay takes longer to decode than the next keyframe takes to come."""
STEP_BYTES = 24_000
"""What a replay sends every ``STEP_SECONDS``: 38 Mbit/s."""
STEP_SECONDS = 0.005
PRESSED_TICKS = 90
"""A millisecond between the timestamps of replayed pictures."""
PENDING_BYTES = 4 * 1_048_576
"""Past it, what waits behind a replay is of no use any more."""


def can_be_replayed(units: Sequence[Packets]) -> bool:
    """Whether there is something to send, and it is small enough."""
    small = sum(one.size for one in units) <= REPLAY_BYTES and len(units) <= REPLAY_PICTURES
    return bool(units) and small


class Replay:
    """What waits to be sent to one viewer; true while something does."""

    def __init__(self) -> None:
        self._pending: deque[tuple[Packets, int | None]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._pending)

    def begin(self, units: Sequence[Packets], last: int | None) -> None:
        """These, instead of what waited. ``last``: the newest timestamp that was sent."""
        self.clear()
        for packets, timestamp in _pressed(units, last):
            self._add(packets, timestamp)

    def follow(self, packets: Packets) -> bool:
        """The stream's next picture, behind them; False where too much waits."""
        self._add(packets, None)
        return self._bytes <= PENDING_BYTES

    def step(self) -> Iterator[tuple[Packets, int | None]]:
        """The next share: pictures, and the timestamps to send them under (None: their own)."""
        room = STEP_BYTES
        while self._pending and room > 0:
            packets, timestamp = self._pending.popleft()
            self._bytes -= packets.size
            room -= packets.size
            yield packets, timestamp

    def clear(self) -> int:
        """Gives up what waits; returns how many pictures that was."""
        count = len(self._pending)
        self._pending.clear()
        self._bytes = 0
        return count

    def _add(self, packets: Packets, timestamp: int | None) -> None:
        self._pending.append((packets, timestamp))
        self._bytes += packets.size


def _pressed(units: Sequence[Packets], last: int | None) -> list[tuple[Packets, int]]:
    """Replayed pictures with timestamps that rise to the newest one's own, or, where that was
    sent already, a tick apart from there.
    """
    edge, count = units[-1].timestamp, len(units)
    start, step = edge - PRESSED_TICKS * (count - 1), PRESSED_TICKS
    if last is not None and (start - last - 1) & 0xFFFFFFFF >= 1 << 31:
        start, step = last + 1, 1
    return [(one, (start + step * index) & 0xFFFFFFFF) for index, one in enumerate(units)]
