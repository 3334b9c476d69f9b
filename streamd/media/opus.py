"""Opus in MP4, the dOps record ("Encapsulation of Opus in ISO Base Media File Format", 4.3.2), and
what of a packet's framing a relay must know (RFC 6716 section 3)."""

from __future__ import annotations

from streamd.errors import MalformedMedia
from streamd.media.units import Track

SAMPLE_RATE = 48_000
"""Opus timestamps always count 48,000 a second, whatever the input was (RFC 7845 section 4)."""

_HEAD = b"OpusHead"
_FRAME_SAMPLES = (480, 960, 1920, 2880)
_FRAME_BYTES = 1_275
"""The longest frame there is (RFC 6716 section 3.2.1)."""
PACKET_BYTES = 61_298
"""The longest packet there is: 48 such frames, their lengths, and the packet's own head."""


def build_dops(channels: int, pre_skip: int = 0, input_rate: int = SAMPLE_RATE) -> bytes:
    """The dOps body for mono or stereo (channel mapping family 0)."""
    if channels not in (1, 2):
        raise MalformedMedia(f"Opus mapping family 0 carries 1 or 2 channels, not {channels}.")
    return b"".join(
        (
            bytes((0, channels)),
            pre_skip.to_bytes(2, "big"),
            input_rate.to_bytes(4, "big"),
            bytes((0, 0, 0)),
        )
    )


def dops_from_head(head: bytes) -> bytes:
    """The dOps body of an OpusHead packet (RFC 7845 section 5.1): little-endian fields turned.

    Raises MalformedMedia.
    """
    if len(head) < 19 or not head.startswith(_HEAD):
        raise MalformedMedia("This is not an OpusHead packet.")
    channels, family = head[9], head[18]
    mapping = b""
    if family:
        mapping = head[19 : 21 + channels]
        if len(mapping) != 2 + channels:
            raise MalformedMedia("The OpusHead packet ends within its channel mapping.")
    if not channels:
        raise MalformedMedia("The OpusHead packet names no channel.")
    return b"".join(
        (
            bytes((0, channels)),
            head[11:9:-1],
            head[15:11:-1],
            head[17:15:-1],
            bytes((family,)),
            mapping,
        )
    )


def head_from_dops(dops: bytes, pre_skip: int) -> bytes:
    """The OpusHead packet of a dOps body, with another pre-skip. Raises MalformedMedia."""
    if len(dops) < 11 or dops[0]:
        raise MalformedMedia("This is not a dOps record of version 0.")
    fields = (bytes((1, dops[1])), pre_skip.to_bytes(2, "little"), dops[7:3:-1], dops[9:7:-1])
    return _HEAD + b"".join(fields) + dops[10:]


def opus_track(channels: int = 2, config: bytes | None = None) -> Track:
    """An Opus track; ``config`` is a dOps body, by default a plain one for ``channels``."""
    record = build_dops(channels) if config is None else config
    return Track(
        kind="a",
        codec="opus",
        timescale=SAMPLE_RATE,
        config=record,
        sample_rate=SAMPLE_RATE,
        channels=channels,
    )


def packet_samples(packet: bytes) -> int:
    """Samples at 48 kHz in an Opus packet, from its TOC byte (RFC 6716 section 3.1).

    Raises MalformedMedia for an empty packet or one over 120 ms.
    """
    if not packet:
        raise MalformedMedia("An Opus packet is empty.")
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        samples = _FRAME_SAMPLES[config & 3]
    elif config < 16:
        samples = 480 << (config & 1)
    else:
        samples = 120 << (config & 3)
    if code == 3 and len(packet) < 2:
        raise MalformedMedia("An Opus packet ends before its frame count.")
    frames = (1, 2, 2)[code] if code < 3 else packet[1] & 0x3F
    if not 0 < samples * frames <= 5_760:
        raise MalformedMedia(f"An Opus packet holds {samples * frames} samples; the most is 5,760.")
    return samples * frames


def joined(first: bytes, second: bytes) -> bytes | None:
    """One packet with the frame of each, in order (RFC 6716 section 3.2); None where they differ.

    Both must hold one frame (code 0) of the same mode, length and channels. The frames stay as
    they are: code 1 has two of one size, code 2 the first one's size before it.
    """
    if not first or not second or first[0] != second[0] or first[0] & 3:
        return None
    size, other = len(first) - 1, len(second) - 1
    if size > _FRAME_BYTES or other > _FRAME_BYTES or packet_samples(first) > 2_880:
        return None
    if size == other:
        return bytes((first[0] | 1,)) + first[1:] + second[1:]
    # Section 3.2.1: up to 251 in one byte; from there, four times the second byte and the first.
    low = size if size < 252 else 252 + (size & 3)
    length = bytes((low,)) if size < 252 else bytes((low, (size - low) >> 2))
    return bytes((first[0] | 2,)) + length + first[1:] + second[1:]
