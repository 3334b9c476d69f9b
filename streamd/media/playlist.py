"""HLS playlists as text (RFC 8216; low latency: draft-pantos-hls-rfc8216bis, here "bis")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil

CONTENT_TYPE = "application/vnd.apple.mpegurl"
VERSION = 7
"""EXT-X-MAP in playlists that are not I-frame-only needs 6 (section 7); 7 is what players know
fragmented MP4 by."""

LOW_LATENCY_VERSION = 9
"""EXT-X-SKIP needs it (bis section 8)."""

HOLD_BACK_TARGETS = 3
SKIP_TARGETS = 6
PART_HOLD_BACK_TARGETS = 3
"""The least that bis section 4.4.3.8 lets stand in HOLD-BACK, CAN-SKIP-UNTIL and (as "should")
PART-HOLD-BACK, each in its own target durations."""


@dataclass(frozen=True, slots=True)
class PartEntry:
    """A part as a media playlist lists it; ``independent``: it holds a keyframe."""

    uri: str
    duration: float
    independent: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A segment as a media playlist lists it.

    ``duration`` in seconds; ``begins`` is the Unix time of its first sample's presentation;
    ``map_uri`` its EXT-X-MAP, empty where it needs none (WebVTT); ``discontinuity`` true where it
    does not continue its predecessor; ``independent`` true where it starts with a keyframe.
    ``parts`` are listed before it. A segment of which only parts exist yet has no ``uri``, and no
    duration.
    """

    uri: str
    duration: float
    begins: float
    map_uri: str
    discontinuity: bool = False
    independent: bool = True
    parts: tuple[PartEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class RenditionReport:
    """How far another rendition's playlist has come (bis section 4.4.5.4); ``last_part`` is None
    where it has no parts.
    """

    uri: str
    last_msn: int
    last_part: int | None


@dataclass(frozen=True, slots=True)
class LowLatency:
    """What makes a media playlist a low-latency one. ``hint`` is the next part's URI."""

    part_target: float
    hint: str = ""
    reports: tuple[RenditionReport, ...] = ()


@dataclass(frozen=True, slots=True)
class DateRange:
    """An EXT-X-DATERANGE (bis section 4.4.5.1). Times are Unix times.

    ``attributes`` are the client-defined ones, by their names with the ``X-``: text, numbers, or
    bytes for a hexadecimal sequence.
    """

    id: str
    starts: float
    class_name: str = ""
    ends: float | None = None
    planned_duration: float | None = None
    attributes: Mapping[str, str | float | bytes] = field(default_factory=dict)

    @property
    def over(self) -> float:
        """When it is over: its end where that is known, else its start."""
        return self.starts if self.ends is None else self.ends


@dataclass(frozen=True, slots=True)
class VideoRendition:
    """The variant's video: codec string, pixels, frames a second (0: unknown), playlist URI."""

    codec: str
    width: int
    height: int
    frame_rate: float
    uri: str


@dataclass(frozen=True, slots=True)
class AudioRendition:
    """The audio group's one member."""

    codec: str
    channels: int
    uri: str


@dataclass(frozen=True, slots=True)
class SubtitleRendition:
    """The subtitles group's one member; ``language`` is a BCP 47 tag."""

    language: str
    uri: str


def media_playlist(
    entries: Sequence[Entry],
    *,
    target_seconds: int,
    media_sequence: int,
    discontinuity_sequence: int = 0,
    all_independent: bool = False,
    ended: bool = False,
    low_latency: LowLatency | None = None,
    reports: Sequence[RenditionReport] = (),
    date_ranges: Sequence[DateRange] = (),
    skipped: int = 0,
) -> str:
    """A media playlist (section 4.3.3). ``media_sequence`` is the first entry's number;
    ``reports`` are those of a playlist without parts, where ``low_latency`` is None.

    ``skipped`` makes it a delta update (bis section 6.2.5.1): that many of the first entries are
    told by EXT-X-SKIP alone.
    """
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION if low_latency is None else LOW_LATENCY_VERSION}",
        f"#EXT-X-TARGETDURATION:{target_seconds}",
    ]
    if low_latency is not None:
        lines += _control(low_latency.part_target, target_seconds)
    lines.append(f"#EXT-X-MEDIA-SEQUENCE:{media_sequence}")
    if discontinuity_sequence:
        lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuity_sequence}")
    if all_independent and all(entry.independent for entry in entries):
        lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
    if skipped:
        lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")
    current_map = entries[skipped - 1].map_uri if skipped else None
    for entry in entries[skipped:]:
        lines += _entry(entry, current_map)
        current_map = entry.map_uri
    lines += [date_range(one) for one in date_ranges]
    if ended:
        lines.append("#EXT-X-ENDLIST")
    elif low_latency is not None:
        lines += _ahead(low_latency)
    else:
        lines += _reports(reports)
    return "\n".join(lines) + "\n"


def skippable(entries: Sequence[Entry], target_seconds: int) -> int:
    """How many of the first entries a delta update may skip: those that end before the skip
    boundary (bis section 4.4.3.8)."""
    behind = 0.0
    for index in range(len(entries) - 1, -1, -1):
        if behind > SKIP_TARGETS * target_seconds:
            return index + 1
        behind += entries[index].duration or sum(part.duration for part in entries[index].parts)
    return 0


def _control(part_target: float, target_seconds: int) -> list[str]:
    return [
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,"
        f"CAN-SKIP-UNTIL={SKIP_TARGETS * target_seconds:.1f},"
        f"HOLD-BACK={HOLD_BACK_TARGETS * target_seconds:.1f},"
        f"PART-HOLD-BACK={PART_HOLD_BACK_TARGETS * part_target:.3f}",
        f"#EXT-X-PART-INF:PART-TARGET={part_target:.3f}",
    ]


def _entry(entry: Entry, current_map: str | None) -> Iterator[str]:
    if entry.discontinuity:
        yield "#EXT-X-DISCONTINUITY"
    if entry.map_uri and entry.map_uri != current_map:
        yield f'#EXT-X-MAP:URI="{_quotable(entry.map_uri)}"'
    yield f"#EXT-X-PROGRAM-DATE-TIME:{date_time(entry.begins)}"
    for part in entry.parts:
        independent = ",INDEPENDENT=YES" if part.independent else ""
        yield f'#EXT-X-PART:DURATION={part.duration:.5f},URI="{part.uri}"{independent}'
    if entry.uri:
        yield f"#EXTINF:{entry.duration:.5f},"
        yield entry.uri


def _ahead(low_latency: LowLatency) -> Iterator[str]:
    if low_latency.hint:
        yield f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{low_latency.hint}"'
    yield from _reports(low_latency.reports)


def _reports(reports: Sequence[RenditionReport]) -> Iterator[str]:
    for report in reports:
        part = "" if report.last_part is None else f",LAST-PART={report.last_part}"
        yield f'#EXT-X-RENDITION-REPORT:URI="{report.uri}",LAST-MSN={report.last_msn}{part}'


def date_range(one: DateRange) -> str:
    """One EXT-X-DATERANGE line."""
    attributes = [f'ID="{_quotable(one.id)}"']
    if one.class_name:
        attributes.append(f'CLASS="{_quotable(one.class_name)}"')
    attributes.append(f'START-DATE="{date_time(one.starts)}"')
    if one.ends is not None:
        attributes.append(f'END-DATE="{date_time(one.ends)}"')
    if one.planned_duration is not None:
        attributes.append(f"PLANNED-DURATION={one.planned_duration:.3f}")
    attributes += [f"{name}={_value(value)}" for name, value in one.attributes.items()]
    return f"#EXT-X-DATERANGE:{','.join(attributes)}"


def _value(value: str | float | bytes) -> str:
    if isinstance(value, bytes):
        return f"0x{value.hex().upper()}"
    return f'"{_quotable(value)}"' if isinstance(value, str) else f"{value:.3f}"


def multivariant_playlist(
    video: VideoRendition | None,
    audio: AudioRendition | None,
    subtitles: SubtitleRendition | None = None,
    *,
    bandwidth: float,
    average_bandwidth: float,
) -> str:
    """A multivariant ("master") playlist of one variant (section 4.3.4).

    Bandwidths in bit/s, audio included: the peak and the mean over segments. A stream without
    video lists its audio as the variant itself.
    """
    if video is None and audio is None:
        raise ValueError("a variant needs a track")
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}"]
    attributes = [f"BANDWIDTH={ceil(bandwidth)}", f"AVERAGE-BANDWIDTH={ceil(average_bandwidth)}"]
    codecs = ",".join(track.codec for track in (video, audio) if track is not None)
    attributes.append(f'CODECS="{_quotable(codecs)}"')
    if video is not None:
        attributes.append(f"RESOLUTION={video.width}x{video.height}")
        if video.frame_rate > 0:
            attributes.append(f"FRAME-RATE={video.frame_rate:.3f}")
    if video is not None and audio is not None:
        lines.append(
            '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Main",DEFAULT=YES,AUTOSELECT=YES,'
            f'CHANNELS="{audio.channels}",URI="{_quotable(audio.uri)}"'
        )
        attributes.append('AUDIO="audio"')
    if subtitles is not None:
        language = _quotable(subtitles.language)
        lines.append(
            '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",NAME="Captions",DEFAULT=NO,'
            f'AUTOSELECT=YES,FORCED=NO,LANGUAGE="{language}",'
            'CHARACTERISTICS="public.accessibility.transcribes-spoken-dialog",'
            f'URI="{_quotable(subtitles.uri)}"'
        )
        attributes.append('SUBTITLES="captions"')
    uri = video.uri if video is not None else audio.uri if audio is not None else ""
    lines += [f"#EXT-X-STREAM-INF:{','.join(attributes)}", uri]
    return "\n".join(lines) + "\n"


def date_time(unix: float) -> str:
    """ISO 8601 in UTC with milliseconds, as section 4.3.2.6 asks."""
    moment = datetime.fromtimestamp(round(unix, 3), UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _quotable(text: str) -> str:
    """A quoted-string's content (section 4.2): no quote, no line break."""
    if any(character in text for character in '"\r\n'):
        raise ValueError(f"{text!r} cannot stand in a quoted string")
    return text
