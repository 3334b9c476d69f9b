"""A recording's poster: its first keyframe that shows something, as JPEG.

Blocking, for a process of its own (offline.py): one picture is decoded, nothing of the recording
is encoded again.
"""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import av

from streamd.errors import StreamdError
from streamd.recording.journal import Journal, SegmentLine
from streamd.recording.storage import Storage

WIDEST = 960
MOST_TRIED = 20
DARK = 28
"""Mean luma up to which a picture counts as black (black itself is 16)."""

FLAT = 6
"""The least mean distance from the mean luma: below it, the picture is of one colour."""


def poster(storage: Storage, journal: Journal) -> bytes | None:
    """The JPEG, or None where no keyframe among the first could be shown."""
    assert journal.header is not None
    candidates = [line for line in journal.segments["v"] if line.independent]
    fallback = None
    for line in candidates[:MOST_TRIED]:
        picture = _decoded(storage, journal, line)
        if picture is None:
            continue
        if _shows_something(picture):
            return _jpeg(picture)
        fallback = fallback or picture
    return _jpeg(fallback) if fallback is not None else None


def _decoded(storage: Storage, journal: Journal, line: SegmentLine) -> Any | None:
    assert journal.header is not None
    names = (journal.map_of(line).name, line.name)
    try:
        body = b"".join(storage.read(f"{journal.header.id}/{name}") for name in names)
        opened: Any = av.open(io.BytesIO(body), format="mp4")
        with opened:
            opened.streams.video[0].codec_context.thread_count = 1
            return next(opened.decode(video=0), None)
    except (av.error.FFmpegError, StreamdError, IndexError):
        return None


def _shows_something(picture: Any) -> bool:
    small = picture.reformat(width=64, height=36, format="gray")
    plane = small.planes[0]
    raw, stride = bytes(plane), plane.line_size
    luma = b"".join(raw[y * stride : y * stride + 64] for y in range(36))
    mean = sum(luma) / len(luma)
    spread = sum(abs(value - mean) for value in luma) / len(luma)
    return mean > DARK and spread > FLAT


def _jpeg(picture: Any) -> bytes:
    width = min(picture.width, WIDEST) // 2 * 2
    height = max(round(picture.height * width / picture.width) // 2 * 2, 2)
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"qmin": "3", "qmax": "5"}
    shown = picture.reformat(width=width, height=height, format="yuvj420p")
    shown.pts, shown.time_base = 0, encoder.time_base
    return b"".join(bytes(packet) for packet in (*encoder.encode(shown), *encoder.encode(None)))
