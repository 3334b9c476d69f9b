"""H.264 out of RTP (RFC 6184, packetization mode 1): packets in, whole pictures out. Pure.

A picture is complete at the marker bit, or where the timestamp changes, with no packet missing
in between (§5.1). A hole is waited for, since a retransmission may fill it; past the wait, or
past the bound on what is kept, everything up to the next keyframe is skipped: a picture that
refers to a lost one would only show garbage. ``needs_key`` tells the owner to ask for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamd.errors import MalformedMedia
from streamd.media.h264 import IDR, PPS, SPS, nal_type
from streamd.webrtc.rtp_clock import SequenceNumbers, Unwrapper

STAP_A, FU_A = 24, 28

GAP_SECONDS = 0.3
"""How long a hole may hold back what follows it: the deadline of the picture that it is in."""
BUFFER_PACKETS = 2_048
BUFFER_BYTES = 8 * 1_048_576
FRAME_BYTES = 4 * 1_048_576
MISSING_LISTED = 256
SKIPS = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """One coded picture: its NAL units without start codes or lengths, in order.

    ``timestamp`` is the RTP timestamp, unwrapped, 90,000 a second. ``arrival`` is the time of
    the picture's first packet, in the seconds that ``push`` was given.
    """

    nals: tuple[bytes, ...]
    timestamp: int
    key: bool
    arrival: float


@dataclass(frozen=True, slots=True)
class _Packet:
    timestamp: int
    marker: bool
    payload: bytes
    arrival: float


def nal_units(payloads: Sequence[bytes]) -> list[bytes]:
    """The NAL units carried by one picture's RTP payloads, in order.

    Single NAL unit packets (§5.6), STAP-A (§5.7.1) and FU-A (§5.8) are read; every other type is
    outside packetization mode 1. Raises MalformedMedia.
    """
    nals: list[bytes] = []
    fragments: list[bytes] | None = None
    for payload in payloads:
        kind = payload[0] & 0x1F
        if kind == FU_A:
            fragments = _fragment(payload, fragments, nals)
            continue
        if fragments is not None:
            raise MalformedMedia("A fragmented NAL unit was cut off by another one.")
        if 1 <= kind <= 23:
            nals.append(payload)
        elif kind == STAP_A:
            nals += _aggregated(payload)
        else:
            raise MalformedMedia(f"NAL unit type {kind} does not belong to packetization mode 1.")
    if fragments is not None:
        raise MalformedMedia("A fragmented NAL unit has no end.")
    return nals


def _fragment(
    payload: bytes, fragments: list[bytes] | None, nals: list[bytes]
) -> list[bytes] | None:
    if len(payload) < 3:
        raise MalformedMedia("An FU-A packet is shorter than its header and one byte.")
    header = payload[1]
    if header & 0x80:
        if fragments is not None:
            raise MalformedMedia("A fragmented NAL unit starts within another.")
        fragments = [bytes(((payload[0] & 0xE0) | (header & 0x1F),))]
    elif fragments is None:
        raise MalformedMedia("A fragmented NAL unit has no start.")
    fragments.append(payload[2:])
    if not header & 0x40:
        return fragments
    nals.append(b"".join(fragments))
    return None


def _aggregated(payload: bytes) -> list[bytes]:
    nals = []
    position = 1
    while position < len(payload):
        size = int.from_bytes(payload[position : position + 2], "big")
        nal = payload[position + 2 : position + 2 + size]
        if not size or len(nal) < size:
            raise MalformedMedia("A STAP-A packet's NAL unit is empty or runs past its end.")
        nals.append(nal)
        position += 2 + size
    return nals


def starts_keyframe(payload: bytes) -> bool:
    """Whether this packet can only be the first of a keyframe: it begins with an SPS."""
    kind = payload[0] & 0x1F if payload else 0
    if kind == STAP_A and len(payload) > 3:
        kind = payload[3] & 0x1F
    return kind == SPS


class Depacketizer:
    """Reorders one video source's packets and gives its pictures, oldest first.

    ``needs_key`` is true from the start and after every skip until a keyframe came whole; until
    then other pictures are dropped. Counters: ``skips`` (holes given up), ``dropped_frames``,
    ``late_packets`` (repeated or too late), ``malformed_frames``.
    """

    def __init__(self, gap_seconds: float = GAP_SECONDS) -> None:
        self._gap_seconds = gap_seconds
        self._sequences = SequenceNumbers()
        self._timestamps = Unwrapper(32)
        self._packets: dict[int, _Packet] = {}
        self._bytes = 0
        # The first packet of the next picture, and the first not yet looked at.
        self._next: int | None = None
        self._scan = 0
        self._certain = False
        self._gap: tuple[int, float] | None = None
        self.needs_key = True
        self.skips = self.dropped_frames = self.late_packets = self.malformed_frames = 0

    def push(
        self, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float
    ) -> list[Frame]:
        """Takes one packet (16-bit sequence, 32-bit timestamp) and returns what it completes."""
        position = self._place(sequence)
        if position is None:
            self.late_packets += 1
            return []
        if self._next is None:
            self._next = self._scan = position
        if position < self._next or position in self._packets:
            self.late_packets += 1
            return []
        packet = _Packet(self._timestamps.take(timestamp), marker, payload, now)
        self._packets[position] = packet
        self._bytes += len(payload)
        if self.needs_key and not self._key_underway() and starts_keyframe(payload):
            self._jump(position, certain=True)
        frames = self._drain()
        while len(self._packets) > BUFFER_PACKETS or self._bytes > BUFFER_BYTES:
            frames += self._skip()
        return frames + self.expire(now)

    def unwrapped(self, timestamp: int) -> int:
        """A 32-bit RTP timestamp of this source, unwrapped as its pictures' timestamps are."""
        return self._timestamps.peek(timestamp)

    def expire(self, now: float) -> list[Frame]:
        """Gives up holes that were waited for long enough, ``SKIPS`` a call at most, so that a
        broken source costs no packet more; returns what stood behind them."""
        frames: list[Frame] = []
        for _ in range(SKIPS):
            if self._next is None or len(self._packets) <= self._scan - self._next:
                self._gap = None
                break
            if self._gap is None or self._gap[0] != self._scan:
                self._gap = (self._scan, self._noticed())
            if now - self._gap[1] < self._gap_seconds:
                break
            frames += self._skip()
        return frames

    def missing(self) -> list[int]:
        """Sequence numbers (16 bits) of the holes, oldest first, at most ``MISSING_LISTED``."""
        highest = self._sequences.highest
        if self._next is None or highest is None:
            return []
        holes = (at for at in range(self._scan, highest) if at not in self._packets)
        return [at & 0xFFFF for at, _ in zip(holes, range(MISSING_LISTED), strict=False)]

    def _noticed(self) -> float:
        """When the hole at ``_scan`` was first seen: a packet from behind it arrived."""
        return min(packet.arrival for at, packet in self._packets.items() if at > self._scan)

    def _key_underway(self) -> bool:
        first = None if self._next is None else self._packets.get(self._next)
        return first is not None and starts_keyframe(first.payload)

    def _place(self, sequence: int) -> int | None:
        restarts = self._sequences.restarts
        position = self._sequences.take(sequence)
        if self._sequences.restarts > restarts:
            self._packets.clear()
            self._bytes = 0
            self._next = self._gap = None
            self._certain = False
            self.needs_key = True
            self.skips += 1
        return position

    def _jump(self, position: int, *, certain: bool) -> None:
        """Makes ``position`` the next picture's first packet and drops all before it."""
        assert self._next is not None
        for stale in [at for at in self._packets if at < position]:
            self._bytes -= len(self._packets.pop(stale).payload)
        self._next = self._scan = position
        self._certain = certain
        self._gap = None

    def _skip(self) -> list[Frame]:
        """Gives up the hole at ``_scan``, or the oversized picture before it."""
        self.skips += 1
        self.needs_key = True
        ahead = [at for at in self._packets if at >= self._scan]
        keys = [at for at in ahead if starts_keyframe(self._packets[at].payload)]
        if keys:
            self._jump(min(keys), certain=True)
        elif ahead:
            self._jump(min(ahead), certain=False)
        else:
            self._jump(self._scan, certain=False)
        return self._drain()

    def _drain(self) -> list[Frame]:
        frames = []
        while (end := self._end()) is not None:
            frame = self._take(end)
            if frame is not None:
                frames.append(frame)
        return frames

    def _end(self) -> int | None:
        """The place behind the next picture's last packet, if the picture is complete."""
        assert self._next is not None
        while (packet := self._packets.get(self._scan)) is not None:
            if not packet.payload:
                # Padding: senders probe the path with it; it belongs to no picture.
                if self._scan == self._next:
                    self._packets.pop(self._scan)
                    self._next += 1
                self._scan += 1
                continue
            if packet.timestamp != self._packets[self._next].timestamp:
                return self._scan
            self._scan += 1
            if packet.marker:
                return self._scan
        return None

    def _take(self, end: int) -> Frame | None:
        assert self._next is not None
        packets = [self._packets.pop(at) for at in range(self._next, end)]
        size = sum(len(packet.payload) for packet in packets)
        self._bytes -= size
        certain, self._certain = self._certain, True
        self._next = self._scan = end
        self._gap = None
        try:
            if size > FRAME_BYTES:
                raise MalformedMedia(f"A picture of {size} bytes is over {FRAME_BYTES}.")
            nals = tuple(nal_units([packet.payload for packet in packets if packet.payload]))
        except MalformedMedia:
            self.malformed_frames += 1
            self.needs_key = True
            return None
        kinds = [nal_type(nal) for nal in nals]
        if not any(1 <= kind <= IDR for kind in kinds):
            return self._parameters_only(nals, packets[0])
        key = IDR in kinds and (certain or _whole(nals))
        if self.needs_key and not key:
            self.dropped_frames += 1
            return None
        self.needs_key = False
        return Frame(nals, packets[0].timestamp, key, packets[0].arrival)

    def _parameters_only(self, nals: tuple[bytes, ...], first: _Packet) -> Frame | None:
        """Parameter sets in an access unit of their own: kept for the keyframe that follows."""
        if not any(nal_type(nal) in (SPS, PPS) for nal in nals):
            return None
        return Frame(nals, first.timestamp, False, first.arrival)


def _whole(nals: tuple[bytes, ...]) -> bool:
    """Whether a keyframe whose predecessor was lost shows its own beginning.

    It must hold an SPS, and its first slice must start at macroblock 0: first_mb_in_slice is
    the first ue(v) of the slice header (ITU-T H.264 §7.3.3), and 0 is coded as a single 1 bit.
    """
    slices = [nal for nal in nals if 1 <= nal_type(nal) <= IDR]
    has_sps = any(nal_type(nal) == SPS for nal in nals)
    return has_sps and len(slices[0]) > 1 and bool(slices[0][1] & 0x80)
