"""FLV tag bodies, as RTMP's audio and video messages carry them. Pure.

Video File Format Specification 10, annex E; the "Enhanced Audio" and "Enhanced Video" sections of
Enhanced RTMP v2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from streamd.rtmp.chunks import Message
from streamd.rtmp.errors import AggregateLies, TruncatedTag

_TAG_HEADER = 11
_BACK_POINTER = 4


class Packet(Enum):
    """What a tag carries."""

    CONFIG = "config"
    FRAME = "frame"
    END = "end"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag: ``codec`` is a FourCC ("avc1", "mp4a") or, of legacy tags, streamd's name for it.

    ``composition`` is pts - dts in milliseconds; ``nanoseconds`` are to be added to both.
    ``key`` is what the tag says of a video frame.
    """

    codec: str
    packet: Packet
    payload: bytes = b""
    key: bool = False
    composition: int = 0
    nanoseconds: int = 0


_VIDEO_CODECS = {2: "Sorenson H.263", 3: "Screen Video", 4: "VP6", 5: "VP6", 6: "Screen Video",
                 12: "H.265", 13: "AV1"}  # fmt: skip
_AUDIO_CODECS = {0: "PCM", 1: "ADPCM", 2: "MP3", 3: "PCM", 4: "Nellymoser", 5: "Nellymoser",
                 6: "Nellymoser", 7: "G.711", 8: "G.711", 11: "Speex", 13: "Opus (unofficial)",
                 14: "MP3"}  # fmt: skip
_FOURCC_NAMES = {"hvc1": "H.265", "vvc1": "H.266", "av01": "AV1", "vp08": "VP8", "vp09": "VP9",
                 "ac-3": "AC-3", "ec-3": "E-AC-3", "fLaC": "FLAC", ".mp3": "MP3"}  # fmt: skip


def codec_name(codec: str) -> str:
    """A codec's name for people."""
    return _FOURCC_NAMES.get(codec, codec)


def video_tag(body: bytes) -> Tag:
    """A video message's tag. Raises TruncatedTag."""
    reader = _Reader(body)
    first = reader.number(1)
    if first & 0x80:
        return _enhanced(reader, first & 0x0F, (first >> 4) & 7, video=True)
    frame, codec = first >> 4, first & 0x0F
    if frame == 5:  # a command to the player (E.4.3.1): nothing to relay
        return Tag("avc1", Packet.OTHER)
    if codec != 7:
        return Tag(_VIDEO_CODECS.get(codec, f"video codec {codec}"), Packet.FRAME)
    kind, composition = reader.number(1), reader.signed(3)
    packet = {0: Packet.CONFIG, 1: Packet.FRAME, 2: Packet.END}.get(kind, Packet.OTHER)
    return Tag("avc1", packet, reader.rest(), frame == 1, composition)


def audio_tag(body: bytes) -> Tag:
    """An audio message's tag. Raises TruncatedTag."""
    reader = _Reader(body)
    first = reader.number(1)
    if first >> 4 == 9:
        return _enhanced(reader, first & 0x0F, 0, video=False)
    if first >> 4 != 10:
        name = _AUDIO_CODECS.get(first >> 4, f"sound format {first >> 4}")
        return Tag(name, Packet.FRAME)
    packet = Packet.CONFIG if reader.number(1) == 0 else Packet.FRAME
    return Tag("mp4a", packet, reader.rest(), True)


def _enhanced(reader: _Reader, packet: int, frame: int, *, video: bool) -> Tag:
    """ExVideoTagHeader and ExAudioTagHeader with their bodies."""
    nanoseconds = 0
    while packet == 7:  # ModEx
        size = reader.number(1) + 1
        if size == 256:
            size = reader.number(2) + 1
        extension = reader.take(size)
        following = reader.number(1)
        if following >> 4 == 0:  # TimestampOffsetNano
            nanoseconds = min(int.from_bytes(extension[:3], "big"), 999_999)
        packet = following & 0x0F
    if video and packet != 4 and frame == 5:
        return Tag("avc1", Packet.OTHER)
    if packet == (6 if video else 5):
        return _multitrack(reader, frame, nanoseconds, video)
    codec = reader.fourcc()
    return _body(codec, packet, frame, reader.rest(), nanoseconds, video)


def _multitrack(reader: _Reader, frame: int, nanoseconds: int, video: bool) -> Tag:
    """Track 0 of a multitrack message; the others are not relayed."""
    first = reader.number(1)
    kind, packet = first >> 4, first & 0x0F
    codec = reader.fourcc() if kind != 2 else ""
    while reader.left:
        if kind == 2:
            codec = reader.fourcc()
        track = reader.number(1)
        body = reader.take(reader.number(3)) if kind else reader.rest()
        if track == 0:
            return _body(codec, packet, frame, body, nanoseconds, video)
    return Tag(codec, Packet.OTHER)


def _body(codec: str, packet: int, frame: int, body: bytes, nanoseconds: int, video: bool) -> Tag:
    if packet == 0:
        return Tag(codec, Packet.CONFIG, body)
    if packet == 2:
        return Tag(codec, Packet.END)
    if packet == 1 and video and codec in ("avc1", "hvc1", "vvc1"):
        inner = _Reader(body)
        composition = inner.signed(3)
        return Tag(codec, Packet.FRAME, inner.rest(), frame == 1, composition, nanoseconds)
    if packet == 1 or (packet == 3 and video):
        return Tag(codec, Packet.FRAME, body, frame == 1 or not video, 0, nanoseconds)
    return Tag(codec, Packet.OTHER)


def split_aggregate(message: Message) -> Iterator[Message]:
    """The messages within an aggregate message (type 22, section 7.1.6).

    Their timestamps are moved so that the first one has the aggregate's; an aggregate within it
    comes out whole. Raises AggregateLies where a size does not fit, after those before it.
    """
    body, at = message.payload, 0
    shift: int | None = None
    while at < len(body):
        header = body[at : at + _TAG_HEADER]
        if len(header) < _TAG_HEADER:
            raise AggregateLies("An aggregate message ends within a tag's header.")
        size = int.from_bytes(header[1:4], "big")
        start = at + _TAG_HEADER
        if start + size > len(body):
            raise AggregateLies("A tag is longer than the aggregate message that holds it.")
        stamp = header[7] << 24 | int.from_bytes(header[4:7], "big")
        if shift is None:
            shift = message.timestamp - stamp
        moved = (stamp + shift) & 0xFFFFFFFF
        yield Message(header[0], moved, message.stream, body[start : start + size])
        at = start + size + _BACK_POINTER


class _Reader:
    """A position in a tag's bytes. Past the end: TruncatedTag."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise TruncatedTag(f"A message of {len(self._data)} bytes ends within its header.")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def signed(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big", signed=True)

    def fourcc(self) -> str:
        return self.take(4).decode("latin-1")

    def rest(self) -> bytes:
        return self.take(self.left)
