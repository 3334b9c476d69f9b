"""A clip of a given bitrate that both streamd and its peers broadcast: H.264 and Opus."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Final

import av

WIDTH: Final = 640
HEIGHT: Final = 360
SECONDS: Final = 10
KEY_SECONDS: Final = 2
AUDIO_KBIT: Final = 48
AUDIO_RATE: Final = 48_000
_FRAME: Final = 960


def write(path: Path, *, kbit: float, fps: int) -> None:
    """Writes ten seconds of a moving, grained texture and a tone, as Matroska.

    Constrained baseline, without B-frames, a keyframe every two seconds; ``kbit`` a second for
    both tracks together, held by the encoder's rate control.
    """
    texture = _texture()
    with av.open(str(path), "w", format="matroska") as container:
        video = container.add_stream("libx264", rate=fps)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.bit_rate = round((kbit - AUDIO_KBIT) * 1000)
        video.codec_context.gop_size = KEY_SECONDS * fps
        rate = f"{round(kbit - AUDIO_KBIT)}k"
        video.options = {
            "profile": "baseline",
            "preset": "veryfast",
            "tune": "zerolatency",
            "maxrate": rate,
            "bufsize": rate,
            "x264-params": f"keyint={KEY_SECONDS * fps}:scenecut=0:sliced-threads=0",
        }
        audio = container.add_stream("libopus", rate=AUDIO_RATE, layout="stereo")
        audio.bit_rate = AUDIO_KBIT * 1000
        for number in range(SECONDS * fps):
            picture = _picture(texture, number)
            picture.pts, picture.time_base = number, Fraction(1, fps)
            container.mux(video.encode(picture))
        for number in range(SECONDS * AUDIO_RATE // _FRAME):
            sound = _tone(number * _FRAME)
            container.mux(audio.encode(sound))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def _texture() -> bytes:
    """Rows of luma, wider than a picture: a window that moves over it is a camera that pans."""
    dice = random.Random(7)
    width = WIDTH + SECONDS * 120
    rows = bytearray()
    for y in range(HEIGHT):
        grain = dice.randbytes(width)
        rows += bytes(40 + (x + 2 * y) % 160 + (grain[x] & 15) for x in range(width))
    return bytes(rows)


def _picture(texture: bytes, number: int) -> av.VideoFrame:
    picture = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    width = len(texture) // HEIGHT
    rows = (texture[y * width + 2 * number :][:WIDTH] for y in range(HEIGHT))
    _fill(picture.planes[0], rows)
    for plane in picture.planes[1:]:
        _fill(plane, (b"\x80" * (WIDTH // 2) for _ in range(HEIGHT // 2)))
    return picture


def _fill(plane: av.video.plane.VideoPlane, rows: Iterable[bytes]) -> None:
    plane.update(b"".join(row.ljust(plane.line_size, b"\0") for row in rows))


def _tone(at: int) -> av.AudioFrame:
    """``_FRAME`` samples of 440 Hz in stereo, from sample ``at`` on."""
    samples = array("h")
    for n in range(at, at + _FRAME):
        samples.extend([round(8_000 * math.sin(n * 440 * math.tau / AUDIO_RATE))] * 2)
    sound = av.AudioFrame("s16", "stereo", _FRAME)
    sound.planes[0].update(samples.tobytes())
    sound.sample_rate, sound.pts, sound.time_base = AUDIO_RATE, at, Fraction(1, AUDIO_RATE)
    return sound
