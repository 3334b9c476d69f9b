"""Our own fragments (media/fmp4.py) read back, to join several or to take one picture out. Pure.

ISO/IEC 14496-12: moof/traf with tfdt (clause 8.8.12) and trun (8.8.8), then mdat. Boxes that are
not needed, such as emsg, are passed over and left out of what is made.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise

from streamd.errors import MalformedMedia
from streamd.media import fmp4
from streamd.media.units import Kind, Track, Unit

_ENTRY = struct.Struct(">IIIi")
_CONTAINERS = frozenset({b"moof", b"traf", b"moov", b"trak", b"mdia"})


def units(fragment: bytes, kind: Kind) -> list[Unit]:
    """The units of moof + mdat pairs that ``fmp4.fragment`` made. Raises MalformedMedia."""
    found: list[Unit] = []
    decode_time = 0
    entries: list[tuple[int, int, int, int]] = []
    for name, body in _boxes(memoryview(fragment)):
        if name == b"tfdt":
            decode_time = int.from_bytes(body[4:12], "big")
        elif name == b"trun":
            count = int.from_bytes(body[4:8], "big")
            entries = list(_ENTRY.iter_unpack(body[12 : 12 + count * _ENTRY.size]))
        elif name == b"mdat":
            found += _cut(kind, decode_time, entries, body)
            entries = []
    return found


def _cut(
    kind: Kind, decode_time: int, entries: Sequence[tuple[int, int, int, int]], body: memoryview
) -> Iterator[Unit]:
    at = 0
    for duration, size, flags, offset in entries:
        payload = bytes(body[at : at + size])
        if len(payload) < size:
            raise MalformedMedia("A fragment's samples are longer than its mdat.")
        key = flags == fmp4.SAMPLE_KEY
        yield Unit(kind, decode_time, decode_time + offset, key, payload, duration)
        at += size
        decode_time += duration


def joined(parts: Sequence[Unit], sequence: int) -> bytes:
    """``parts`` in as few fragments as their times allow: one, where nothing is missing between.

    ``sequence`` is the first fragment's number. Durations are the units' own, stretched or cut by
    at most half to meet the next unit; a gap longer than that starts a fragment of its own.
    """
    bare = Track(parts[0].kind, "", 1, b"")
    runs: list[list[Unit]] = [[parts[0]]]
    for before, unit in pairwise(parts):
        expected = before.duration or 0
        if abs(unit.dts - before.dts - expected) * 2 > expected:
            runs.append([])
        runs[-1].append(unit)
    return b"".join(
        fmp4.fragment(bare, sequence + number, run, _durations(run))
        for number, run in enumerate(runs)
    )


def _durations(run: Sequence[Unit]) -> list[int]:
    return [after.dts - before.dts for before, after in pairwise(run)] + [run[-1].duration or 0]


def timescale(init: bytes) -> int:
    """Ticks a second of an initialisation segment's one track (mdhd). Raises MalformedMedia."""
    for name, body in _boxes(memoryview(init)):
        if name == b"mdhd":
            return int.from_bytes(body[12:16], "big")
    raise MalformedMedia("An initialisation segment without a media header.")


def _boxes(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Every box with its body, in order; containers give their children instead."""
    at = 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        name = bytes(content[at + 4 : at + 8])
        if size < 8 or at + size > len(content):
            raise MalformedMedia(f"A box {name!r} of {size} bytes where {len(content) - at} are.")
        body = content[at + 8 : at + size]
        if name in _CONTAINERS:
            yield from _boxes(body)
        else:
            yield name, body
        at += size
