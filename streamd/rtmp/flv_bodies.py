"""Units as FLV tag bodies, the other way round from ``flv``. Pure."""

from __future__ import annotations

from streamd.media.units import Track, Unit

_OPUS_HEAD = b"OpusHead\x01"


def milliseconds(ticks: int, timescale: int) -> int:
    """A timestamp in RTMP's unit, to the nearest."""
    return (ticks * 1000 + timescale // 2) // timescale


def config_body(track: Track) -> bytes:
    """The sequence header before a track's frames: legacy for H.264 and AAC, enhanced for Opus."""
    if track.kind == "v":
        return b"\x17\x00\0\0\0" + track.config
    if track.codec == "opus":
        return b"\x90Opus" + _opus_head(track.config)
    return b"\xaf\x00" + track.config


def frame_body(unit: Unit, track: Track) -> bytes:
    """One unit of ``track``; a picture's composition time is to the millisecond."""
    if unit.kind == "v":
        decoded = milliseconds(unit.dts, track.timescale)
        shift = milliseconds(unit.pts, track.timescale) - decoded
        head = b"\x17\x01" if unit.key else b"\x27\x01"
        return head + shift.to_bytes(3, "big", signed=True) + unit.payload
    return (b"\x91Opus" if track.codec == "opus" else b"\xaf\x01") + unit.payload


def _opus_head(dops: bytes) -> bytes:
    """The identification header (RFC 7845 section 5.1) of a dOps body: its fields turned."""
    return _OPUS_HEAD + dops[1:2] + dops[3:1:-1] + dops[7:3:-1] + dops[9:7:-1] + dops[10:]
