"""What an initialisation segment says about its picture or sound (ISO/IEC 14496-12). Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from streamd.errors import MalformedMedia

_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
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
