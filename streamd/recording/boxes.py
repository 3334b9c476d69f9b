"""What maps and segments say about themselves (ISO/IEC 14496-12). Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from streamd.errors import MalformedMedia

_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"}
_VIDEO = {b"avc1", b"avc3"}
_AUDIO = {b"mp4a", b"Opus"}


def picture_size(init: bytes) -> tuple[int, int]:
    """Width and height in pixels of the first video sample entry; (0, 0) where there is none."""
    for kind, entry in _sample_entries(init):
        if kind in _VIDEO and len(entry) >= 28:
            width, height = struct.unpack_from(">HH", entry, 24)
            return width, height
    return 0, 0


def channel_count(init: bytes) -> int:
    """Channels of the first audio sample entry; 0 where there is none."""
    for kind, entry in _sample_entries(init):
        if kind in _AUDIO and len(entry) >= 18:
            return int(struct.unpack_from(">H", entry, 16)[0])
    return 0


def timescale(init: bytes) -> int:
    """Ticks a second of the first track; 0 where it does not say."""
    for kind, body in _walk(init):
        if kind == b"mdhd" and len(body) >= 24:
            return int(struct.unpack_from(">I", body, 20 if body[0] else 12)[0])
    return 0


def decode_time(segment: bytes) -> int:
    """Where the segment's first fragment stands on the media timeline, in ticks (tfdt)."""
    for kind, body in _walk(segment):
        if kind == b"tfdt" and len(body) >= 8:
            wide = body[0] == 1 and len(body) >= 12
            return int(struct.unpack_from(">Q" if wide else ">I", body, 4)[0])
    return 0


def media_time(segment: bytes, init: bytes) -> float:
    """Where the segment begins on the media timeline, in seconds. Raises MalformedMedia."""
    return decode_time(segment) / max(timescale(init), 1)


def _walk(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    for kind, body in _boxes(content):
        if kind in _CONTAINERS:
            yield from _walk(body)
        else:
            yield kind, body


def _sample_entries(init: bytes) -> Iterator[tuple[bytes, bytes]]:
    for kind, body in _boxes(init):
        if kind in _CONTAINERS:
            yield from _sample_entries(body)
        elif kind == b"stsd":
            yield from _boxes(body[8:])


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        if size < 8 or at + size > len(content):
            raise MalformedMedia(f"box {kind!r} at byte {at} claims {size} bytes")
        yield kind, content[at + 8 : at + size]
        at += size
