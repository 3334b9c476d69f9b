"""H.264 into RTP payloads (RFC 6184, packetization mode 1): one picture in, its payloads out. Pure.

Each stream's picture is cut once, for all viewers. Small NAL units travel together (STAP-A,
§5.7.1), large ones in fragments of one size (FU-A, §5.8), the last perhaps shorter: packets of one
size can be handed to the kernel in one call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from streamd.media.h264 import AUD, FILLER, IDR, PPS, SLICE, SPS, nal_type, split_avcc

PAYLOAD_BYTES = 1_200
"""Headers, SRTP's tag and a tunnel or two on the way still fit the 1,500 bytes of Ethernet."""

STAP_A, FU_A = 24, 28

_LENGTH_BYTES = 2
_FU_BYTES = 2
_LEFT_OUT = frozenset((SPS, PPS, AUD, FILLER))


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture's payloads, in order.

    ``disposable``: no later picture refers to this one (nal_ref_idc is 0, ITU-T H.264 §7.4.1).
    """

    payloads: tuple[bytes, ...]
    disposable: bool


def packetize(avcc: bytes, sets: Sequence[bytes] = (), limit: int = PAYLOAD_BYTES) -> Picture:
    """Cuts one access unit (AVCC, 4-byte lengths) into payloads of at most ``limit`` bytes.

    ``sets`` are the parameter sets that go before a keyframe; those inside the access unit give
    way to them. An access unit without a slice gives no payload. Raises MalformedMedia.
    """
    nals = [nal for nal in split_avcc(avcc) if nal_type(nal) not in _LEFT_OUT]
    slices = [nal for nal in nals if SLICE <= nal_type(nal) <= IDR]
    if not slices:
        return Picture((), disposable=True)
    disposable = not any(nal[0] & 0x60 for nal in slices)
    return Picture(tuple(payloads([*sets, *nals], limit)), disposable)


def payloads(nals: Iterable[bytes], limit: int = PAYLOAD_BYTES) -> list[bytes]:
    """NAL units as single NAL unit packets, STAP-A and FU-A, in order."""
    cut: list[bytes] = []
    together: list[bytes] = []
    room = limit - 1
    for nal in nals:
        cost = _LENGTH_BYTES + len(nal)
        if together and cost > room:
            cut.append(_aggregated(together))
            together, room = [], limit - 1
        if len(nal) > limit:
            cut += _fragments(nal, limit)
        elif cost > room:
            cut.append(nal)
        else:
            together.append(nal)
            room -= cost
    if together:
        cut.append(_aggregated(together))
    return cut


def _aggregated(nals: Sequence[bytes]) -> bytes:
    """A STAP-A; a lone NAL unit goes as it is."""
    if len(nals) == 1:
        return nals[0]
    forbidden = max(nal[0] & 0x80 for nal in nals)
    importance = max(nal[0] & 0x60 for nal in nals)
    parts = [bytes((forbidden | importance | STAP_A,))]
    for nal in nals:
        parts += (len(nal).to_bytes(_LENGTH_BYTES, "big"), nal)
    return b"".join(parts)


def _fragments(nal: bytes, limit: int) -> list[bytes]:
    """FU-A fragments, all of one size but for the last."""
    body = len(nal) - 1
    count = -(-body // (limit - _FU_BYTES))
    size = -(-body // count)
    indicator, kind = (nal[0] & 0xE0) | FU_A, nal[0] & 0x1F
    cut = []
    for start in range(1, len(nal), size):
        first, last = start == 1, start + size >= len(nal)
        header = bytes((indicator, (first << 7) | (last << 6) | kind))
        cut.append(header + nal[start : start + size])
    return cut
