"""The binary messages of ``/publish/{stream}``: what WebCodecs encoders give, one a message.

The first byte says what a message is; numbers are big-endian.

    1 video description   u8 length, codec string, then the rest: avcC record, or Annex B
                          parameter sets, or nothing where every keyframe brings its own
    2 audio description   u8 length, codec string, u32 sample rate in hertz, u8 channels, then the
                          rest: OpusHead, or nothing
    3 picture             u8 flags (bit 0: keyframe), i64 timestamp and u32 duration in
                          microseconds (0: unknown), then the access unit
    4 sound               the same; the payload is one Opus packet

The codec string is RFC 6381's (``avc1.42e01f``, ``opus``). A description comes before the first
frame of its kind, and again whenever it changes. A picture is AVCC where the description is an
avcC record (``avc: {format: "avc"}``), Annex B where it is Annex B or empty. Its size is not told
beside it, for it stands in the SPS; and an IDR picture is a keyframe whatever the flag says, which
serves those who pass messages on without looking into them. Timestamps of both kinds are of one
clock whose zero means nothing, and are presentation times: pictures come in the order in which
they are shown, for a live encoder makes no B-frames.

Pure: bytes in, values out. Text messages are JSON and belong to ``web/publish_socket.py``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from streamd.errors import MalformedMedia, UnsupportedMedia
from streamd.media import h264
from streamd.media.opus import SAMPLE_RATE, opus_track
from streamd.media.units import Kind, Track

VIDEO_DESCRIPTION = 1
AUDIO_DESCRIPTION = 2
PICTURE = 3
SOUND = 4

KEY = 1
"""The only flag of a picture or a sound."""

LATEST = 1 << 53
"""Timestamps are a browser's numbers: integers of at most 53 bits."""

_HEAD = struct.Struct(">BBqI")
_SOUND_TAIL = struct.Struct(">IB")
_START_CODES = (b"\x00\x00\x01", b"\x00\x00\x00\x01")


@dataclass(frozen=True, slots=True)
class VideoDescription:
    """``nals``: the parameter sets. ``length_size``: bytes of each NAL length, 0 for Annex B."""

    codec: str
    nals: tuple[bytes, ...]
    length_size: int


@dataclass(frozen=True, slots=True)
class AudioDescription:
    """The Opus track that the sounds to come belong to."""

    track: Track


@dataclass(frozen=True, slots=True)
class FrameMessage:
    """One coded picture or sound; ``timestamp`` and ``duration`` (None: untold) in microseconds."""

    kind: Kind
    key: bool
    timestamp: int
    duration: int | None
    payload: bytes


Message = VideoDescription | AudioDescription | FrameMessage


def parse_message(data: bytes) -> Message:
    """Reads one binary message. Raises MalformedMedia or UnsupportedMedia, with a sentence."""
    if not data:
        raise MalformedMedia("A message is empty.")
    kind = data[0]
    if kind in (PICTURE, SOUND):
        return _frame(data)
    if kind == VIDEO_DESCRIPTION:
        return _video(*_codec(data))
    if kind == AUDIO_DESCRIPTION:
        return _audio(*_codec(data))
    raise MalformedMedia(f"There is no message of kind {kind}.")


def _frame(data: bytes) -> FrameMessage:
    if len(data) <= _HEAD.size:
        raise MalformedMedia("A picture or sound message ends before its payload.")
    kind, flags, timestamp, duration = _HEAD.unpack_from(data)
    if abs(timestamp) > LATEST:
        raise MalformedMedia("A timestamp is out of range.")
    return FrameMessage(
        kind="v" if kind == PICTURE else "a",
        key=bool(flags & KEY),
        timestamp=timestamp,
        duration=duration or None,
        payload=data[_HEAD.size :],
    )


def _codec(data: bytes) -> tuple[str, bytes]:
    """The codec string of a description, and what follows it."""
    end = 2 + data[1] if len(data) > 1 else 2
    if len(data) < end or end == 2:
        raise MalformedMedia("A description ends before its codec string.")
    try:
        return data[2:end].decode("ascii"), data[end:]
    except UnicodeDecodeError:
        raise MalformedMedia("A codec string is not ASCII text.") from None


def _video(codec: str, description: bytes) -> VideoDescription:
    if not codec.startswith(("avc1.", "avc3.")):
        raise UnsupportedMedia(
            f"The video is {codec}. streamd relays H.264 and does not convert: set the encoder "
            "to H.264."
        )
    if not description or description.startswith(_START_CODES):
        return VideoDescription(codec, tuple(h264.split_annexb(description)), 0)
    config = h264.parse_avcc(description)
    return VideoDescription(codec, (*config.sps, *config.pps), config.length_size)


def _audio(codec: str, tail: bytes) -> AudioDescription:
    if codec != "opus":
        raise UnsupportedMedia(
            f"The audio is {codec}. This way in takes Opus: set the encoder to Opus."
        )
    if len(tail) < _SOUND_TAIL.size:
        raise MalformedMedia("An audio description ends before its channels.")
    rate, channels = _SOUND_TAIL.unpack_from(tail)
    if rate != SAMPLE_RATE:
        raise UnsupportedMedia(f"The audio has {rate} samples a second. Opus is taken at 48,000.")
    return AudioDescription(opus_track(channels))
