"""All that an HLS window knows and all that happens to it, as values that a process can be sent.

MessagePack by msgspec; the form is this version's own: both ends run the same streamd. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from streamd.media.parts import Init
from streamd.media.playlist import DateRange, Entry, LowLatency
from streamd.media.units import Kind, Track, Unit
from streamd.media.webvtt import Cue
from streamd.relay.segmenter import Segment, SegmenterState

FORM = 1
"""Rises with every change of what follows."""


@dataclass(frozen=True, slots=True)
class HoldState:
    """Audio that waits for its pictures; see AudioHold."""

    scale: int
    holds: bool
    waiting: list[Unit]
    pictures_until: int | None


@dataclass(frozen=True, slots=True)
class ListedState:
    """A whole segment: ``part_sizes`` cut its body into the entry's parts. ``until``: see
    Rendition's retired segments; 0 where it is listed."""

    segment: Segment
    entry: Entry
    part_sizes: list[int]
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class RenditionState:
    """See Rendition. ``part_bodies`` are those of the segment that grows."""

    publication: str
    sequence: int
    discontinuity_sequence: int
    discontinuity: bool
    all_independent: bool
    version: int
    seconds: float
    opened: Entry | None
    part_bodies: list[bytes]
    listed: list[ListedState]
    retired: list[ListedState]


@dataclass(frozen=True, slots=True)
class RangeState:
    """A DateRange; its attributes are text, numbers or bytes."""

    id: str
    starts: float
    class_name: str
    ends: float | None
    planned_duration: float | None
    attributes: dict[str, Any]

    @classmethod
    def of(cls, one: DateRange) -> RangeState:
        """From the value that playlists are written of."""
        times = (one.starts, one.class_name, one.ends, one.planned_duration)
        return cls(one.id, *times, dict(one.attributes))

    def date_range(self) -> DateRange:
        """The value that playlists are written of."""
        times = (self.starts, self.class_name, self.ends, self.planned_duration)
        return DateRange(self.id, *times, self.attributes)


@dataclass(frozen=True, slots=True)
class PlaylistsState:
    """See HlsPlaylists; ``shown`` by rendition."""

    ended: bool
    ranges: list[RangeState]
    shown: dict[str, tuple[int, LowLatency]]


@dataclass(frozen=True, slots=True)
class CaptionsState:
    """See HlsCaptions; ``segments`` by media sequence number."""

    language: str
    version: int
    cues: list[Cue]
    segments: dict[int, bytes]
    begins: float


class HlsState(msgspec.Struct, frozen=True, tag="state"):
    """See Hls. ``settings`` are those that the bytes depend on: (target seconds, seconds kept,
    wished part in ms). ``part_target`` is a fraction of a second, None until settled."""

    settings: tuple[int, float, int]
    form: int
    base: int
    origin: float
    init_count: int
    inits: dict[str, Init]
    maps: dict[Kind, str]
    tracks: dict[Kind, Track]
    part_target: tuple[int, int] | None
    hold: HoldState
    segmenter: SegmenterState | None
    renditions: dict[Kind, RenditionState]
    playlists: PlaylistsState
    captions: CaptionsState


class Reset(msgspec.Struct, frozen=True, tag="reset"):
    """A generation begins; see Hls.reset."""

    gen: int
    tracks: Mapping[Kind, Track]
    origin: float


class Push(msgspec.Struct, frozen=True, tag="push"):
    """See Hls.push."""

    unit: Unit


class DropAudio(msgspec.Struct, frozen=True, tag="drop_audio"):
    """See Hls.drop_audio."""


class End(msgspec.Struct, frozen=True, tag="end"):
    """See Hls.end."""


class PutDateRange(msgspec.Struct, frozen=True, tag="date_range"):
    """See Hls.put_date_range."""

    date_range: RangeState


class AnnounceCaptions(msgspec.Struct, frozen=True, tag="captions"):
    """See Hls.announce_captions."""

    language: str


class PutCaption(msgspec.Struct, frozen=True, tag="caption"):
    """See Hls.put_caption."""

    cue: Cue


Happening = Reset | Push | DropAudio | End | PutDateRange | AnnounceCaptions | PutCaption


class Message(msgspec.Struct, frozen=True):
    """What goes from one process to another; ``n`` rises by one a message."""

    n: int
    what: HlsState | Happening


_decoder = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    """As MessagePack."""
    return msgspec.msgpack.encode(message)


def decode(data: bytes) -> Message:
    """From MessagePack. Raises msgspec.DecodeError for what is no message of this form."""
    return _decoder.decode(data)
