"""What viewers say about what they get, and what is told them beside the media: RTCP. Pure.

RFC 3550 §6.4 (reports), RFC 4585 §6.2.1 and §6.3.1 (NACK, PLI), RFC 5104 §4.3.1 (FIR), and
draft-alvestrand-rmcat-remb-03 (the receiver's estimate).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from streamd.errors import MalformedMedia

_SR, _RR, _SDES, _BYE, _RTPFB, _PSFB = 200, 201, 202, 203, 205, 206
_NACK, _PLI, _FIR, _AFB = 1, 1, 4, 15
_CNAME = 1
NACKED = 256
"""Sequence numbers taken from one compound packet; a viewer that misses more needs a keyframe."""


@dataclass(frozen=True, slots=True)
class ReceptionReport:
    """How one source arrives. ``lost`` counts packets that never came, from the beginning;
    ``highest`` is the highest sequence number that did, extended to 32 bits.

    ``last_report`` and ``delay`` are LSR and DLSR, in 65,536ths of a second; both 0 where the
    viewer has had no sender report yet.
    """

    ssrc: int
    lost: int
    highest: int
    last_report: int
    delay: int


@dataclass(frozen=True, slots=True)
class Missing:
    """Packets asked for again: 16-bit sequence numbers of one source."""

    ssrc: int
    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PictureLost:
    """A keyframe is asked for."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the viewer believes its path can carry, bits a second."""

    bits: int


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The viewer leaves."""


Feedback = ReceptionReport | Missing | PictureLost | Estimate | Goodbye


@dataclass(frozen=True, slots=True)
class SentSoFar:
    """One source for a sender report: NTP and RTP times of one instant, and what was sent."""

    ssrc: int
    ntp: int
    timestamp: int
    packets: int
    octets: int


def read_feedback(data: bytes) -> list[Feedback]:
    """A compound packet's contents; kinds that streamd has no use for are passed over.

    Raises MalformedMedia.
    """
    found: list[Feedback] = []
    position = 0
    while position < len(data):
        if position + 4 > len(data):
            raise MalformedMedia("An RTCP packet is shorter than its header.")
        first, kind, words = struct.unpack_from("!BBH", data, position)
        end = position + 4 + 4 * words
        if first >> 6 != 2 or end > len(data):
            raise MalformedMedia("An RTCP packet is of another version, or runs past its end.")
        found += _read(kind, first & 0x1F, data[position + 4 : end])
        position = end
    return found


def _read(kind: int, count: int, body: bytes) -> Iterator[Feedback]:
    if kind == _RR:
        yield from _reports(count, body, 4)
    elif kind == _SR:
        yield from _reports(count, body, 24)
    elif kind == _BYE:
        yield Goodbye()
    elif kind == _RTPFB and count == _NACK and len(body) >= 8:
        (ssrc,) = struct.unpack_from("!I", body, 4)
        yield Missing(ssrc, _sequences(body[8:]))
    elif kind == _PSFB and count in (_PLI, _FIR):
        yield PictureLost()
    elif kind == _PSFB and count == _AFB and body[8:12] == b"REMB" and len(body) >= 16:
        exponent, mantissa = body[13] >> 2, (body[13] & 3) << 16 | body[14] << 8 | body[15]
        yield Estimate(mantissa << exponent)


def _reports(count: int, body: bytes, start: int) -> Iterator[ReceptionReport]:
    for at in range(start, min(start + 24 * count, len(body) - 23), 24):
        ssrc, _, lost, highest, _, last, delay = struct.unpack_from("!IB3sIIII", body, at)
        yield ReceptionReport(ssrc, int.from_bytes(lost, "big", signed=True), highest, last, delay)


def _sequences(body: bytes) -> tuple[int, ...]:
    """PID and the 16 numbers after it that BLP marks, for each entry."""
    numbers: list[int] = []
    for at in range(0, len(body) - 3, 4):
        first, mask = struct.unpack_from("!HH", body, at)
        numbers.append(first)
        numbers += ((first + 1 + bit) & 0xFFFF for bit in range(16) if mask >> bit & 1)
        if len(numbers) >= NACKED:
            break
    return tuple(numbers[:NACKED])


def round_trip(report: ReceptionReport, ntp: int) -> float | None:
    """Seconds to the viewer and back (RFC 3550 §6.4.1), at the 64-bit NTP time of arrival."""
    if not report.last_report:
        return None
    elapsed = ((ntp >> 16) - report.last_report - report.delay) & 0xFFFFFFFF
    return elapsed / 65_536 if elapsed < 1 << 31 else None


def sender_reports(sources: Iterable[SentSoFar], cname: str) -> bytes:
    """A compound packet: a sender report a source, then their common name (RFC 3550 §6.1).

    A name of a multiple of 4 characters is padded by two zero bytes, as aiortc expects it.
    """
    parts: list[bytes] = []
    listed: list[int] = []
    for source in sources:
        parts.append(
            struct.pack(
                "!BBHIQIII",
                0x80,
                _SR,
                6,
                source.ssrc,
                source.ntp,
                source.timestamp,
                source.packets & 0xFFFFFFFF,
                source.octets & 0xFFFFFFFF,
            )
        )
        listed.append(source.ssrc)
    parts.append(_described(listed, cname.encode()))
    return b"".join(parts)


def goodbye(ssrcs: Sequence[int]) -> bytes:
    """A compound packet that says that these sources end."""
    report = struct.pack("!BBHI", 0x80, _RR, 1, ssrcs[0])
    return report + struct.pack(f"!BBH{len(ssrcs)}I", 0x80 | len(ssrcs), _BYE, len(ssrcs), *ssrcs)


def _described(ssrcs: Sequence[int], cname: bytes) -> bytes:
    chunks: list[bytes] = []
    for ssrc in ssrcs:
        chunk = struct.pack("!IBB", ssrc, _CNAME, len(cname)) + cname
        chunks.append(chunk + bytes(4 - len(chunk) % 4))
    body = b"".join(chunks)
    return struct.pack("!BBH", 0x80 | len(ssrcs), _SDES, len(body) // 4) + body
