"""Real coded media for the tests: small encodes by libavcodec, and FLV tag bodies around them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

from streamd.media import h264
from streamd.media.h264 import build_avcc, parameter_sets, split_annexb, to_avcc


@dataclass(frozen=True)
class Picture:
    """A coded picture as RTMP carries it."""

    avcc: bytes
    key: bool


@dataclass(frozen=True)
class Video:
    """A few coded pictures, and the avcC record before them."""

    config: bytes
    pictures: tuple[Picture, ...]

    @property
    def header(self) -> bytes:
        """The sequence header's tag body."""
        return b"\x17\x00\0\0\0" + self.config


@dataclass(frozen=True)
class Audio:
    """A few coded AAC frames, and their AudioSpecificConfig."""

    config: bytes
    frames: tuple[bytes, ...]
    rate: int

    @property
    def header(self) -> bytes:
        """The sequence header's tag body."""
        return b"\xaf\x00" + self.config


def legacy(picture: Picture, composition: int = 0) -> bytes:
    """A legacy AVC tag body."""
    head = b"\x17\x01" if picture.key else b"\x27\x01"
    return head + composition.to_bytes(3, "big", signed=True) + picture.avcc


def sound(frame: bytes) -> bytes:
    """A legacy AAC tag body."""
    return b"\xaf\x01" + frame


@functools.cache
def encoded_video(
    width: int = 320,
    height: int = 180,
    count: int = 30,
    profile: str = "baseline",
    pixels: str = "yuv420p",
    codec: str = "libx264",
) -> Video:
    encoder: Any = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, pixels
    encoder.time_base = Fraction(1, 25)
    encoder.flags |= av.codec.context.Flags.global_header
    encoder.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": profile,
        "x264-params": "keyint=10:min-keyint=10:scenecut=0:threads=1",
    }
    encoder.open()
    pictures = []
    for number in range(count):
        frame = av.VideoFrame(width, height, pixels)
        for plane in frame.planes:
            plane.update(bytes((96 + number,)) * plane.buffer_size)
        frame.pts = number
        for packet in encoder.encode(frame):
            nals = split_annexb(bytes(packet))
            pictures.append(Picture(to_avcc(nals), h264.is_key(nals)))
    sets = parameter_sets(split_annexb(bytes(encoder.extradata)))
    return Video(build_avcc(*sets), tuple(pictures))


@functools.cache
def encoded_audio(rate: int = 48_000, layout: str = "stereo", count: int = 50) -> Audio:
    encoder: Any = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate, layout, "fltp"
    encoder.flags |= av.codec.context.Flags.global_header
    encoder.open()
    frames = []
    for number in range(count):
        silent = av.AudioFrame("fltp", layout, 1024)
        for plane in silent.planes:
            plane.update(bytes(plane.buffer_size))
        silent.sample_rate, silent.pts = rate, number * 1024
        frames += [bytes(packet) for packet in encoder.encode(silent)]
    return Audio(bytes(encoder.extradata), tuple(frames), rate)
