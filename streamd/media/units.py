"""The values that flow from an ingest to every egress: tracks and units.

Video payloads are AVCC: each NAL unit behind a 4-byte big-endian length (ISO/IEC 14496-15 §5.3),
as MP4 wants them. Audio payloads are one raw AAC access unit (no ADTS) or one Opus packet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MEDIA_TIMESCALE = 90_000
"""Ticks a second of media time, of video timestamps and of the contract's ``t``."""

Kind = Literal["v", "a"]
"""A track's short name on the wire: ``v`` for video, ``a`` for audio."""


@dataclass(frozen=True, slots=True)
class Track:
    """One elementary stream and what a decoder needs to start it.

    ``codec`` is the RFC 6381 string (``avc1.42e01f``, ``mp4a.40.2``, ``opus``). ``config`` is the
    decoder configuration as MP4 stores it: the avcC body, the AudioSpecificConfig, or the dOps
    body. ``timescale`` is ticks a second of this track's timestamps: 90,000 for video, the
    sample rate for audio. ``width``/``height`` in pixels (video), ``sample_rate`` in hertz and
    ``channels`` (audio); 0 where they do not apply.
    """

    kind: Kind
    codec: str
    timescale: int
    config: bytes
    width: int = 0
    height: int = 0
    sample_rate: int = 0
    channels: int = 0


@dataclass(frozen=True, slots=True)
class Unit:
    """One access unit: a coded picture, or one audio frame.

    ``dts`` and ``pts`` count the track's timescale on the stream's own media time, which starts
    at 0 and never steps back. ``duration`` is None where the source does not tell it. ``key`` is
    true for an IDR picture and for every audio frame. ``track`` is set where the configuration
    changed with this unit (new SPS or PPS: a keyframe).
    """

    kind: Kind
    dts: int
    pts: int
    key: bool
    payload: bytes
    duration: int | None = None
    track: Track | None = None
