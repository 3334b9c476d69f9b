"""Units made by hand, for tests of what the relay does with their times and sizes."""

from __future__ import annotations

from streamd.media import aac, h264, opus
from streamd.media.units import Track, Unit
from tests.media.test_h264 import encoded

VIDEO = h264.video_track(*encoded(640, 360))
OTHER_VIDEO = h264.video_track(*encoded(1280, 720))
AAC = aac.audio_track(bytes.fromhex("1190"))
OPUS = opus.opus_track(2)
FRAME = 3_600
"""A frame at 25 a second, in ticks."""


def picture(
    number: int,
    *,
    key: bool = False,
    size: int = 100,
    track: Track | None = None,
    duration: int | None = FRAME,
) -> Unit:
    """Picture ``number`` at 25 frames a second."""
    payload = h264.to_avcc([bytes((0x65 if key else 0x41,)) * size])
    dts = number * FRAME
    return Unit("v", dts, dts, key, payload, duration, track)


def sound(number: int, size: int = 20) -> Unit:
    """AAC frame ``number`` at 48 kHz."""
    return Unit("a", number * 1024, number * 1024, True, bytes(size), 1024)
