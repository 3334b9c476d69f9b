"""What a WebRTC sender does, for tests: coded media and its RTP packets (RFC 6184, RFC 7587)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import av
import numpy as np

from streamd.media.h264 import SLICE, split_annexb


@dataclass(frozen=True, slots=True)
class RtpPart:
    """One packet: 16-bit sequence, 32-bit timestamp."""

    sequence: int
    timestamp: int
    marker: bool
    payload: bytes


def packetized(
    pictures: Sequence[Sequence[bytes]],
    *,
    sequence: int = 0,
    timestamp: int = 0,
    step: int = 3_000,
    size: int = 1_200,
) -> list[list[RtpPart]]:
    """The packets of each picture. Parameter sets go into one STAP-A, as libwebrtc sends them."""
    packets = []
    for nals in pictures:
        payloads = list(_payloads(nals, size))
        parts = []
        for index, payload in enumerate(payloads):
            parts.append(
                RtpPart(
                    sequence & 0xFFFF, timestamp & 0xFFFFFFFF, index == len(payloads) - 1, payload
                )
            )
            sequence += 1
        packets.append(parts)
        timestamp += step
    return packets


def _payloads(nals: Sequence[bytes], size: int) -> Iterator[bytes]:
    small = [nal for nal in nals if nal[0] & 0x1F > 5]
    if small:
        yield bytes((24,)) + b"".join(len(nal).to_bytes(2, "big") + nal for nal in small)
    for nal in nals:
        if nal[0] & 0x1F > 5:
            continue
        if len(nal) <= size:
            yield nal
            continue
        body = nal[1:]
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        for index, piece in enumerate(pieces):
            flags = (0x80 if index == 0 else 0) | (0x40 if index == len(pieces) - 1 else 0)
            yield bytes(((nal[0] & 0xE0) | 28, flags | (nal[0] & 0x1F))) + piece


def made_up_pictures(seed: int, count: int, key_every: int = 8) -> list[list[bytes]]:
    """Pictures of plausible NAL types and random contents: enough for whatever does not decode."""
    noise = random.Random(seed)
    pictures = []
    for index in range(count):
        first = bytes((0x80 | noise.randrange(128),))
        size = noise.choice((3, 40, 900, 2_500, 5_000))
        if index % key_every == 0:
            sps, pps = b"\x67\x42\xc0\x1f" + noise.randbytes(6), b"\x68" + noise.randbytes(3)
            pictures.append([sps, pps, b"\x65" + first + noise.randbytes(size)])
        else:
            pictures.append([bytes((0x40 | SLICE,)) + first + noise.randbytes(size)])
    return pictures


@cache
def coded_pictures(
    count: int = 60, width: int = 320, height: int = 240, key_every: int = 20
) -> tuple[tuple[bytes, ...], ...]:
    """Real constrained-baseline pictures, each its NAL units; 30 a second, counting brightness."""
    codec = av.CodecContext.create("libx264", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.framerate, codec.time_base = Fraction(30), Fraction(1, 30)
    codec.gop_size = key_every
    codec.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "baseline",
        "x264-params": "scenecut=0:repeat-headers=1:sliced-threads=0",
    }
    pictures: list[tuple[bytes, ...]] = []
    for index in range(count):
        image = np.full((height, width, 3), (index * 4) % 256, dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts = index
        pictures += [tuple(split_annexb(bytes(packet))) for packet in codec.encode(frame)]
    pictures += [tuple(split_annexb(bytes(packet))) for packet in codec.encode(None)]
    return tuple(pictures)


@cache
def coded_sounds(count: int = 100) -> tuple[bytes, ...]:
    """Real Opus packets of 20 ms, a quiet tone."""
    codec = av.CodecContext.create("libopus", "w")
    assert isinstance(codec, av.AudioCodecContext)
    codec.sample_rate, codec.layout, codec.format = 48_000, "stereo", "s16"
    packets: list[bytes] = []
    for index in range(count + 2):
        moments = (np.arange(960) + index * 960) / 48_000
        tone = (np.sin(2 * np.pi * 440 * moments) * 8_000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(tone, 2)[np.newaxis, :], layout="stereo")
        frame.sample_rate, frame.pts = 48_000, index * 960
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return tuple(packets[:count])
