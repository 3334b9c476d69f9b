"""Frame messages as a publisher sends them, and real frames to put in."""

from __future__ import annotations

import struct
from functools import cache

from streamd.clips import BIG_BUCK_BUNNY
from streamd.media.units import Track, Unit
from streamd.relay.demux import FileReader

SILENCE = b"\xfc\xff\xfe"
"""An Opus packet of 20 ms of stereo silence."""


def video_description(description: bytes, codec: bytes = b"avc1.42e01f") -> bytes:
    return bytes((1, len(codec))) + codec + description


def audio_description(codec: bytes = b"opus", rate: int = 48_000, channels: int = 2) -> bytes:
    return bytes((2, len(codec))) + codec + struct.pack(">IB", rate, channels)


def picture(payload: bytes, timestamp: int, *, key: bool = False, duration: int = 0) -> bytes:
    return struct.pack(">BBqI", 3, int(key), timestamp, duration) + payload


def sound(timestamp: int, payload: bytes = SILENCE) -> bytes:
    return struct.pack(">BBqI", 4, 1, timestamp, 20_000) + payload


@cache
def clip() -> tuple[Track, tuple[Unit, ...]]:
    """The real clip's H.264: its track, and its pictures of two seconds from a keyframe on."""
    reader = FileReader(BIG_BUCK_BUNNY)
    track = next(track for track in reader.tracks if track.kind == "v")
    units = tuple(unit for unit in reader.read(2.0) if unit.kind == "v")
    reader.close()
    return track, units


def microseconds(unit: Unit) -> int:
    return unit.pts * 1_000_000 // 90_000


def broadcast(*, sounds: bool = True, start: int = 0) -> list[bytes]:
    """Two seconds as messages, in the order in which a page sends them."""
    track, units = clip()
    head = [video_description(track.config)]
    frames = [
        (microseconds(unit), picture(unit.payload, start + microseconds(unit), key=unit.key))
        for unit in units
    ]
    if sounds:
        head.append(audio_description())
        frames += [(at, sound(start + at)) for at in range(0, 2_000_000, 20_000)]
    return head + [message for _, message in sorted(frames, key=lambda frame: frame[0])]
