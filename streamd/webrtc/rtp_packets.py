"""One unit as RTP packets, ready to be copied for each viewer (RFC 3550 §5.1). Pure.

The packets of all viewers of a stream are equal but for the sequence number: SSRC and timestamps
are the stream's. So a unit is laid out once, with room behind each packet for SRTP's tag, and a
viewer's share of the work is a copy, two bytes a packet, and the encryption.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from streamd.media.units import Kind

HEADER_BYTES = 12
SEQUENCE_AT = 2
RUN_PACKETS = 60
"""Packets in one run: UDP GSO takes 64 segments."""
RUN_BYTES = 60_000
"""Bytes in one run: a UDP datagram, before it is segmented, holds 65,507."""

_HEADER = struct.Struct("!BBHII")


class Form(NamedTuple):
    """What a viewer's packets look like: payload type, SSRC, and the bytes of SRTP's tag.

    A tuple because it is looked up once a viewer and unit.
    """

    payload_type: int
    ssrc: int
    tag: int


@dataclass(frozen=True, slots=True)
class Run:
    """Packets of one size, the last perhaps shorter, that the kernel can take at once.

    ``image`` holds them one behind the other, each with its tag's room. ``packets`` are
    (offset, bytes without tag), ``count`` of them; ``segment`` is the size of all but the last, tag
    included, ``size`` that of all together.
    """

    image: bytes
    packets: tuple[tuple[int, int], ...]
    segment: int
    size: int
    count: int


class Packets:
    """A unit's packets. ``number`` is its first packet's place among all of the track's.

    ``timestamp`` is the RTP timestamp, 32 bits. ``arrival`` is the time it came, in seconds.
    """

    __slots__ = (
        "arrival",
        "count",
        "disposable",
        "key",
        "kind",
        "number",
        "payloads",
        "runs",
        "size",
        "timestamp",
    )

    def __init__(
        self,
        kind: Kind,
        payloads: tuple[bytes, ...],
        *,
        number: int,
        timestamp: int,
        arrival: float,
        key: bool = True,
        disposable: bool = False,
    ) -> None:
        self.kind: Kind = kind
        self.payloads = payloads
        self.number = number
        self.timestamp = timestamp & 0xFFFFFFFF
        self.arrival = arrival
        self.key = key
        self.disposable = disposable
        self.count = len(payloads)
        self.size = sum(map(len, payloads))
        self.runs: dict[Form, tuple[Run, ...]] = {}

    def laid_out(self, form: Form) -> tuple[Run, ...]:
        """The packets in a form, made when first asked for."""
        runs = self.runs.get(form)
        if runs is None:
            runs = self.runs[form] = self.under(form, self.timestamp)
        return runs

    def under(self, form: Form, timestamp: int) -> tuple[Run, ...]:
        """The packets in a form, under another timestamp."""
        runs: list[Run] = []
        first = 0
        for end in range(1, self.count + 1):
            if end == self.count or not self._joins(first, end, form.tag):
                runs.append(self._run(first, end, form, timestamp))
                first = end
        return tuple(runs)

    def packet(self, index: int, form: Form, sequence: int, timestamp: int) -> bytes:
        """One packet alone, without tag."""
        return self._header(index, form, sequence, timestamp) + self.payloads[index]

    def repeat(self, index: int, form: Form, sequence: int, timestamp: int, original: int) -> bytes:
        """One packet for retransmission (RFC 4588 §4): the original number before the payload."""
        header = self._header(index, form, sequence, timestamp)
        return header + original.to_bytes(2, "big") + self.payloads[index]

    def _joins(self, first: int, index: int, tag: int) -> bool:
        """Whether packet ``index`` may follow those of the run that began at ``first``."""
        size = len(self.payloads[first])
        total = (size + HEADER_BYTES + tag) * (index - first + 1)
        return (
            len(self.payloads[index - 1]) == size >= len(self.payloads[index])
            and index - first < RUN_PACKETS
            and total <= RUN_BYTES
        )

    def _run(self, first: int, end: int, form: Form, timestamp: int) -> Run:
        room = bytes(form.tag)
        parts: list[bytes] = []
        packets: list[tuple[int, int]] = []
        offset = 0
        for index in range(first, end):
            payload = self.payloads[index]
            parts += (self._header(index, form, 0, timestamp), payload, room)
            length = HEADER_BYTES + len(payload)
            packets.append((offset, length))
            offset += length + form.tag
        segment = packets[0][1] + form.tag
        return Run(b"".join(parts), tuple(packets), segment, offset, len(packets))

    def _header(self, index: int, form: Form, sequence: int, timestamp: int) -> bytes:
        """The marker stands on a picture's last packet (RFC 6184 §5.1). Sound never carries it:
        it would say that silence came before (RFC 3551 §4.1), which nobody here knows.
        """
        last = self.kind == "v" and index == self.count - 1
        return _HEADER.pack(0x80, (last << 7) | form.payload_type, sequence, timestamp, form.ssrc)
