"""What waits for one connection when its transport is full. Pure: no sockets, no clock.

Three lanes, in this order:

1. *replies*: every reply and control push, in order. Bound: ``reply_bytes``. Policy when full:
   ``ReplyOverflow`` is raised and the connection ends with 3008 slow: a client that keeps asking
   and never reads. A joiner's replay stands here too and is outside the bound (``bounded=False``).
2. *publications*: the newest of each channel. Bound: one per channel. Policy: conflation, a newer
   one takes the older one's place; counted in ``conflated``.
3. *parts* of each media channel, in order. Bound: LATE_TICKS at each keyframe, ``part_bytes`` at
   any time (``patience`` of the part in place of LATE_TICKS). Policy: skip to the next keyframe;
   counted in ``skipped``. The client is told: that keyframe's part says how many were skipped.

``take`` hands out one piece at a time; what it has handed out is no longer here. The pieces of one
frame follow each other without anything between.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Protocol

LATE_TICKS: Final = 45_000
"""500 ms of media time: a connection further behind at a keyframe goes on from that keyframe."""


class MediaFrame(Protocol):
    """A part as one WebSocket frame. ``t`` in 90,000ths of a second, ``size`` in bytes."""

    @property
    def t(self) -> int: ...
    @property
    def key(self) -> bool: ...
    @property
    def configures(self) -> bool:
        """True where the part carries what later ones rely on, such as a track's new init."""

    @property
    def patience(self) -> int:
        """How much media time may wait when a keyframe comes, in 90,000ths of a second."""

    @property
    def frame(self) -> bytes: ...
    @property
    def size(self) -> int: ...
    def resumed(self, skipped: int, missed: bool) -> bytes:
        """The same part for one who goes on here: it says how many parts were skipped, and with
        ``missed`` it carries every track's init.
        """


class ReplyOverflow(Exception):
    """More replies wait than the connection may have."""


class _Lane:
    """The waiting parts of one media channel."""

    __slots__ = ("joining", "missed", "parts", "size", "skipping", "untold")

    def __init__(self) -> None:
        self.parts: deque[MediaFrame] = deque()
        self.size = 0
        self.skipping = False
        self.joining = False
        """It skips because it had no keyframe to start with: nothing that it was slow for."""
        self.missed = False
        self.untold = 0

    def drop(self) -> int:
        dropped = len(self.parts)
        if any(part.configures for part in self.parts):
            self.missed = True
        self.parts.clear()
        self.size = 0
        return dropped


class Outbox:
    """The three lanes of one connection. Bounds in bytes."""

    __slots__ = (
        "_lanes",
        "_latest",
        "_replay_pieces",
        "_replies",
        "_reply_size",
        "conflated",
        "part_bytes",
        "reply_bytes",
        "skipped",
    )

    def __init__(self, reply_bytes: int, part_bytes: int) -> None:
        self.reply_bytes = reply_bytes
        self.part_bytes = part_bytes
        # (piece, whether it counts toward the bound, whether it begins a frame)
        self._replies: deque[tuple[bytes, bool, bool]] = deque()
        self._reply_size = 0
        self._replay_pieces = 0
        self._latest: dict[str, bytes] = {}
        self._lanes: dict[str, _Lane] = {}
        self.conflated = 0
        self.skipped = 0

    def reply(self, *pieces: bytes, bounded: bool = True, begun: bool = False) -> None:
        """Adds one frame, given in pieces. Raises ReplyOverflow where the bound is passed.

        ``bounded=False`` is for a joiner's replay; while one waits, the next counts as any reply.
        ``begun`` says that the frame's first piece has been written already: it is never refused.
        """
        bounded = not begun and (bounded or self._replay_pieces > 0)
        size = sum(map(len, pieces)) if bounded else 0
        if self._reply_size + size > self.reply_bytes:
            raise ReplyOverflow
        self._reply_size += size
        if not bounded:
            self._replay_pieces += len(pieces)
        for position, piece in enumerate(pieces):
            self._replies.append((piece, bounded, position == 0 and not begun))

    def publish(self, channel: str, frame: bytes) -> bool:
        """Adds ``channel``'s newest publication. True where it took an older one's place."""
        # Taken out first, so that the newest publication also stands last in the order.
        conflated = self._latest.pop(channel, None) is not None
        self._latest[channel] = frame
        self.conflated += conflated
        return conflated

    def part(self, channel: str, part: MediaFrame) -> int:
        """Adds a media part, or skips it. Returns how many parts were dropped just now."""
        lane = self._lane(channel)
        dropped = 0
        full = bool(lane.parts) and lane.size + part.size > self.part_bytes
        if part.key:
            if full or (lane.parts and part.t - lane.parts[0].t > part.patience):
                dropped = lane.drop()
            lane.skipping = lane.joining = False
        elif full:
            dropped = lane.drop()
            lane.skipping = True
        if lane.skipping:
            lane.missed = lane.missed or part.configures
            dropped += not lane.joining
        else:
            lane.parts.append(part)
            lane.size += part.size
        lane.untold += dropped
        self.skipped += dropped
        return dropped

    def await_key(self, channel: str) -> None:
        """Passes over ``channel``'s parts until a keyframe: its joiner has none to start from."""
        lane = self._lane(channel)
        lane.skipping = lane.joining = True

    @property
    def quiet(self) -> bool:
        """True where nothing waits and no media channel is between a skip and its keyframe."""
        return not (self._replies or self._latest) and not any(
            lane.parts or lane.skipping or lane.missed for lane in self._lanes.values()
        )

    def forget(self, channel: str) -> None:
        """Drops all that waits for ``channel``: its subscription has ended."""
        self._latest.pop(channel, None)
        self._lanes.pop(channel, None)

    def rest_of_frame(self) -> bytes:
        """What is still missing of the frame whose last piece was just taken, in one piece."""
        rest = b""
        while self._replies and not self._replies[0][2]:
            rest += self._next_reply()
        return rest

    def take(self) -> bytes | None:
        """The next piece to write, or None where nothing waits."""
        if self._replies:
            return self._next_reply()
        if self._latest:
            channel = next(iter(self._latest))
            return self._latest.pop(channel)
        return self._take_part()

    def _next_reply(self) -> bytes:
        piece, bounded, _ = self._replies.popleft()
        if bounded:
            self._reply_size -= len(piece)
        else:
            self._replay_pieces -= 1
        return piece

    def _lane(self, channel: str) -> _Lane:
        lane = self._lanes.get(channel)
        if lane is None:
            lane = self._lanes[channel] = _Lane()
        return lane

    def _take_part(self) -> bytes | None:
        for channel, lane in self._lanes.items():
            if not lane.parts:
                continue
            part = lane.parts.popleft()
            lane.size -= part.size
            # Takes turns: the channel just served goes to the end of the order.
            del self._lanes[channel]
            self._lanes[channel] = lane
            if not lane.missed and not lane.untold:
                return part.frame
            resumed = part.resumed(lane.untold, lane.missed)
            lane.missed, lane.untold = False, 0
            return resumed
        return None
